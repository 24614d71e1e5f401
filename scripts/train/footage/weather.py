"""Light, sky, haze and materials of a clip. Everything is scene-linear with the exposure baked in:
a sunlit wall lands at about 0.3 to 0.6, the sky at 0.5 to 1.5."""

from dataclasses import dataclass

import numpy as np

from . import building as b

# Slots of the float array that the kernels read.
SUN, SUN_COLOUR, ZENITH, HORIZON = 0, 3, 6, 9
CLOUD_START, CLOUD_LIGHT, GLOW, SKY_OFFSET = 12, 13, 14, 15
HAZE, HAZE_COLOUR = 16, 17
AMBIENT, BOUNCE = 20, 23  # AMBIENT: rgb irradiance from the sky over pi
LIT_SHARE, LIT_LIGHT, LAMPS = 24, 25, 26
COVER, COVER_COLOUR = 27, 28
CRACK, CRACK_REACH, CRACK_WIDTH = 31, 34, 35
BAY, STOREY = 36, 37
LEN = 40

TIMES = ("day", "overcast", "golden", "fog", "dusk", "night")


@dataclass
class Look:
    time: str
    env: np.ndarray  # [LEN]
    palette: np.ndarray  # [MATERIALS,3] albedo
    texture: np.ndarray  # [MATERIALS] 0 plain, 1 brick, 2 ashlar, 3 tiles, 4 board-marked concrete
    dust: np.ndarray  # albedo of the dust
    wind: np.ndarray  # m/s
    grain: float
    contrast: float  # power around middle grey, scene-linear
    saturation: float
    balance: np.ndarray  # white balance gains

    def grade(self, image):
        """The plate's look, applied to linear frames: balance, saturation, contrast around 0.3."""
        image = np.maximum(image, 0) * self.balance
        grey = image @ np.array([0.2126, 0.7152, 0.0722])
        image = np.maximum(grey[..., None] + (image - grey[..., None]) * self.saturation, 0)
        gain = np.clip((grey + 1e-4) / 0.3, 0.02, 1) ** (self.contrast - 1)
        return image * gain[..., None]


def drawLook(rng, facade, kind):
    """One random look; ash and toxic snow prefer dull skies."""
    weights = np.array([0.55, 0.2, 0.12, 0.03, 0.06, 0.04])
    if kind in ("ash", "toxic_snow"):
        weights = np.array([0.15, 0.5, 0.1, 0.15, 0.06, 0.04])
    time = TIMES[rng.choice(6, p=weights)]
    env = np.zeros(LEN)
    elevation = rng.uniform(0.35, 1.1)
    azimuth = rng.uniform(-2.7, -0.45) if rng.random() < 0.8 else rng.uniform(-3.5, 0.35)
    exposure = rng.uniform(0.8, 1.25)
    cover = rng.uniform(0.3, 0.75)
    sun, zenith, horizon, cloud, ambient, haze, lit = None, None, None, 1.3, 0.36, 0.0035, 0.0
    if time == "day":
        warm = 1 - elevation / 1.2
        sun = np.array([1.3, 1.2 - 0.12 * warm, 1.06 - 0.3 * warm]) * rng.uniform(0.9, 1.15)
        zenith, horizon = np.array([0.22, 0.4, 0.78]), np.array(
            [0.88 + 0.2 * warm, 0.95, 1.05 - 0.2 * warm]
        )
    elif time == "overcast":
        sun = np.array([0.12, 0.12, 0.12]) * rng.uniform(0, 1)
        zenith, horizon = np.array([0.8, 0.84, 0.9]), np.array([0.98, 1.0, 1.02])
        cover, cloud, ambient = 0.2, 1.05, 0.55
    elif time == "golden":
        elevation = rng.uniform(0.1, 0.28)
        sun = np.array([1.55, 1.0, 0.55]) * rng.uniform(0.8, 1.05)
        zenith, horizon = np.array([0.24, 0.36, 0.58]), np.array([1.15, 0.84, 0.56])
        cloud, ambient = 1.0, 0.34
    elif time == "fog":
        sun = np.array([0.2, 0.19, 0.17]) * rng.uniform(0, 1)
        zenith = horizon = np.array([0.85, 0.87, 0.88]) * rng.uniform(0.8, 1.05)
        cover, ambient, haze = 9.0, 0.55, rng.uniform(0.012, 0.035)
    elif time == "dusk":
        sun = np.zeros(3)
        zenith, horizon = np.array([0.14, 0.19, 0.34]), np.array([0.7, 0.46, 0.36]) * rng.uniform(
            0.6, 1.1
        )
        cloud, ambient, lit = 0.35, 0.62, rng.uniform(0.15, 0.5)
    else:
        sun = np.array([0.035, 0.045, 0.07])
        zenith, horizon = np.array([0.01, 0.014, 0.025]), np.array([0.07, 0.055, 0.045])
        cloud, ambient, lit, cover = 0.05, 0.9, rng.uniform(0.2, 0.5), 0.5
        exposure *= 1.3
    if time in ("day", "golden") and rng.random() < 0.75:
        # A deep blue sky, darker than a sunlit wall, as where exposure or a polariser is set for the facade: where every
        # sky is bright, a model learns a colour instead of "what is seen above the roofs".
        deep = rng.uniform(0.3, 0.85)
        zenith, horizon = deep * zenith, deep * (0.4 * zenith + 0.6 * horizon)
        cloud, ambient = cloud * (0.4 + 0.6 * deep), ambient / deep
    env[SUN : SUN + 3] = (
        np.cos(elevation) * np.cos(azimuth),
        np.cos(elevation) * np.sin(azimuth),
        np.sin(elevation),
    )
    env[SUN_COLOUR : SUN_COLOUR + 3] = sun * exposure
    env[ZENITH : ZENITH + 3] = zenith * exposure
    env[HORIZON : HORIZON + 3] = horizon * exposure
    env[CLOUD_START], env[CLOUD_LIGHT] = cover, cloud * exposure
    env[GLOW] = 1.0 if time in ("day", "golden") else 0.1
    env[SKY_OFFSET] = rng.uniform(0, 8)
    env[HAZE] = haze
    env[HAZE_COLOUR : HAZE_COLOUR + 3] = env[HORIZON : HORIZON + 3] * (
        0.75 if time in ("day", "golden") else 1
    )
    env[AMBIENT : AMBIENT + 3] = (
        0.6 * env[ZENITH : ZENITH + 3] + 0.4 * env[HORIZON : HORIZON + 3]
    ) * ambient
    env[BOUNCE] = 0.22
    env[LIT_SHARE], env[LIT_LIGHT] = lit, rng.uniform(0.5, 1.6)
    env[LAMPS] = 1.0 if time in ("dusk", "night") else 0.0
    env[BAY], env[STOREY] = facade.width / facade.bays, facade.floorHeight
    if kind == "toxic_snow":
        tint = np.array([1.0, 1.03, 0.72])
        for slot in (ZENITH, HORIZON, HAZE_COLOUR):
            env[slot : slot + 3] *= 1 + (tint - 1) * 0.25
    palette, texture = _drawPalette(rng, facade)
    mix = rng.random()
    dust = (
        np.array([0.58, 0.52, 0.45]) * (1 - mix) + np.array([0.5, 0.5, 0.49]) * mix
    ) * rng.uniform(0.85, 1.1)
    return Look(
        time,
        env,
        palette,
        texture,
        dust * rng.uniform(0.97, 1.03, 3),
        np.array([rng.normal(0, 1.1), rng.normal(0, 0.4), 0]),
        0.0 if rng.random() < 0.3 else rng.uniform(0.002, 0.009),
        rng.uniform(1.05, 1.55) if time != "night" else 1.0,
        rng.uniform(0.75, 1.2),
        1 + rng.uniform(-0.06, 0.06) * np.array([1, 0, -1]),
    )


PLASTERS = (
    (0.62, 0.55, 0.44),
    (0.68, 0.66, 0.6),
    (0.55, 0.5, 0.43),
    (0.5, 0.5, 0.5),
    (0.7, 0.62, 0.47),
    (0.6, 0.5, 0.42),
    (0.45, 0.43, 0.4),
    (0.72, 0.7, 0.66),
    (0.56, 0.46, 0.38),
    (0.48, 0.52, 0.5),
)
BRICKS = ((0.42, 0.2, 0.14), (0.48, 0.26, 0.18), (0.36, 0.19, 0.14), (0.5, 0.33, 0.24))


def _drawPalette(rng, facade):
    palette = np.full((b.MATERIALS, 3), 0.3)
    texture = np.zeros(b.MATERIALS, np.int64)
    for material in (b.WALL, b.WALL2, b.WALL3):
        style = (
            facade.style
            if material == b.WALL
            else ("plain", "brick", "academic", "balcony", "office")[rng.integers(5)]
        )
        if style == "brick":
            palette[material], texture[material] = BRICKS[rng.integers(4)], 1
        else:
            palette[material] = PLASTERS[rng.integers(len(PLASTERS))]
            texture[material] = {
                "academic": rng.choice([0, 2]),
                "balcony": rng.choice([0, 0, 1, 3]),
                "office": rng.choice([0, 3, 4]),
                "house": 0,
            }.get(style, rng.choice([0, 0, 2, 4]))
            if texture[material] == 1:
                palette[material] = BRICKS[rng.integers(4)]
    wall = palette[b.WALL]
    trims = (np.array([0.7, 0.68, 0.63]), wall * 1.2, wall * 0.8, np.array([0.5, 0.49, 0.47]))
    palette[b.TRIM] = np.clip(trims[rng.integers(4)], 0.05, 0.8)
    palette[b.ROOM] = np.array([0.5, 0.47, 0.42]) * rng.uniform(0.5, 1.1)
    palette[b.RAW] = (
        np.array([0.42, 0.36, 0.31]),
        np.array([0.4, 0.39, 0.37]),
        np.array([0.42, 0.28, 0.21]),
    )[rng.integers(3)]
    palette[b.GLASS] = (0.02, 0.024, 0.028)
    value = rng.choice([0.03, 0.06, 0.2, 0.5, 0.6])
    palette[b.CAR] = value * (1 + rng.uniform(-0.25, 0.25, 3) * (rng.random() < 0.5))
    if rng.random() < 0.15:
        palette[b.CAR] = (0.32, 0.05, 0.05) if rng.random() < 0.5 else (0.06, 0.1, 0.25)
    palette[b.METAL] = (0.05, 0.05, 0.055)
    palette[b.RAIL] = (0.04, 0.04, 0.042) if rng.random() < 0.7 else (0.5, 0.5, 0.48)
    greens = (
        (0.075, 0.13, 0.035),
        (0.1, 0.14, 0.04),
        (0.06, 0.1, 0.03),
        (0.22, 0.16, 0.33),
        (0.16, 0.13, 0.05),
    )
    palette[b.LEAF] = greens[rng.choice(5, p=(0.35, 0.3, 0.2, 0.1, 0.05))]
    palette[b.GROUND] = np.array([0.12, 0.12, 0.125]) * rng.uniform(0.6, 1.5)
    palette[b.BLIND] = (
        np.array([0.6, 0.58, 0.52]),
        np.array([0.35, 0.24, 0.15]),
        np.array([0.5, 0.5, 0.5]),
        np.array([0.22, 0.27, 0.22]),
    )[rng.integers(4)]
    palette[b.BASE] = (np.array([0.2, 0.19, 0.18]), np.array([0.35, 0.33, 0.3]), wall * 0.7)[
        rng.integers(3)
    ]
    palette[b.ROOF] = (np.array([0.16, 0.16, 0.17]), np.array([0.33, 0.2, 0.15]))[rng.integers(2)]
    palette[b.PARTY] = (np.array([0.5, 0.48, 0.44]), np.array([0.4, 0.38, 0.36]), wall * 0.9)[
        rng.integers(3)
    ]
    palette[b.FAR] = PLASTERS[rng.integers(len(PLASTERS))]
    palette[b.WOOD] = np.array([0.22, 0.14, 0.09]) * rng.uniform(0.6, 1.4)
    hue = rng.uniform(0, 1, 3) ** 1.5
    palette[b.SIGN] = 0.08 + 0.4 * (0.45 * hue.mean() + 0.55 * hue) * rng.uniform(0.4, 1)
    palette[b.UNIT] = np.array([0.6, 0.6, 0.57]) * rng.uniform(0.6, 1.1)
    palette[b.LAMP] = (0.6, 0.6, 0.58)
    palette *= rng.uniform(0.88, 1.1, (b.MATERIALS, 1))
    return palette, texture
