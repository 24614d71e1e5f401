"""What rays and surfaces look up: the sky, masonry patterns, the sun's shadow frame."""

import math

import numpy as np

from .kernels import cloudy, hash01, jit
from .weather import (  # slots of env
    SUN,
    SUN_COLOUR,
    ZENITH,
    HORIZON,
    CLOUD_START,
    CLOUD_LIGHT,
    GLOW,
    SKY_OFFSET,
)


@jit
def sky(dx, dy, dz, env, noise, clouds, out):
    """Radiance of the sky along a unit direction."""
    up = max(dz, 0.0)
    t = math.exp(-up * 3.5)
    c = max(0.0, dx * env[SUN] + dy * env[SUN + 1] + dz * env[SUN + 2])
    glow = (0.3 * c**8 + 0.9 * c**90) * env[GLOW]
    cover = 0.0
    if clouds and dz > 0.02:
        x = dx / (dz + 0.15) * 0.8 + env[SKY_OFFSET]
        y = dy / (dz + 0.15) * 0.8
        f = 0.62 * cloudy(noise, x, y, 3.3) + 0.38 * cloudy(noise, x * 3.1 + 0.7, y * 3.1, 1.9)
        cover = min(1.0, max(0.0, (f - env[CLOUD_START]) * 4.0))
    for k in range(3):
        base = env[HORIZON + k] * t + env[ZENITH + k] * (1 - t) + glow * env[SUN_COLOUR + k]
        out[k] = base + (env[CLOUD_LIGHT] * (1.0, 0.99, 0.97)[k] - base) * cover * (1 - t * 0.6)


@jit
def brick(r, fade):
    u = (r[0] + r[1]) * 4.0
    v = r[2] * 12.0
    row = math.floor(v)
    u += 0.5 * (int(row) & 1)
    fu = u - math.floor(u)
    fv = v - row
    m = 0.78 + 0.44 * hash01(int(math.floor(u)), int(row), 5)
    if fu < 0.07 or fv < 0.15:
        m = 1.3
    return 1 + (m - 1) * fade


@jit
def grooves(a, b, sizeA, sizeB, line, fade):
    """Multiplier of a grid of slabs sizeA by sizeB metres with dark joints `line` metres wide."""
    u = a / sizeA
    v = b / sizeB
    i = math.floor(u)
    j = math.floor(v)
    m = 0.93 + 0.14 * hash01(int(i), int(j), 9)
    if (u - i) * sizeA < line or (v - j) * sizeB < line:
        m = 0.68
    return 1 + (m - 1) * fade


def shadowFrame(sun, centre, half, size):
    """[3,4] parallel view of the sun for raster(): `half` metres around centre onto size samples."""
    right = np.cross(sun, (0, 0, 1.0))
    right /= np.linalg.norm(right)
    up = np.cross(right, sun)
    k = size / (2 * half)
    return np.stack(
        [
            np.r_[right * k, size / 2 - right @ centre * k],
            np.r_[-up * k, size / 2 + up @ centre * k],
            np.r_[-sun, 200.0],
        ]
    )
