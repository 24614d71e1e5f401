"""The model's working encoding "srgb_shoulder": scene-linear Rec.709 to 0..1 and back (float arrays)."""

import numpy as np

KNEE = 0.5
MAXIMUM = 64.0


def _slopeConstant():
    """The constant a that makes the slope continuous at the knee: (1-k) / (a ln(1+(M-k)/a)) = 1."""
    low, high = 1e-4, 1.0
    for _ in range(200):
        a = 0.5 * (low + high)
        if a * np.log1p((MAXIMUM - KNEE) / a) < 1 - KNEE:
            low = a
        else:
            high = a
    return 0.5 * (low + high)


SLOPE = _slopeConstant()


def encode(linear):
    """Scene-linear (negative clamps to 0, 64 maps to 1) to display-referred 0..1."""
    x = np.maximum(np.asarray(linear, np.float32), 0)
    bright = KNEE + (1 - KNEE) * np.log1p(np.maximum(x - KNEE, 0) / SLOPE) / np.log1p(
        (MAXIMUM - KNEE) / SLOPE
    )
    s = np.minimum(np.where(x <= KNEE, x, bright), 1)
    return np.where(
        s <= 0.0031308, 12.92 * s, 1.055 * np.power(np.maximum(s, 1e-8), 1 / 2.4) - 0.055
    )


def decode(encoded):
    """Inverse of encode for values in 0..1."""
    e = np.clip(np.asarray(encoded, np.float32), 0, 1)
    s = np.where(e <= 0.04045, e / 12.92, np.power((e + 0.055) / 1.055, 2.4))
    bright = KNEE + SLOPE * np.expm1(
        (np.maximum(s, KNEE) - KNEE) / (1 - KNEE) * np.log1p((MAXIMUM - KNEE) / SLOPE)
    )
    return np.where(s <= KNEE, s, bright)
