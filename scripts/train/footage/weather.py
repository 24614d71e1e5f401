"""Light, sky, haze and materials of a clip. Everything is scene-linear with the exposure baked in:
a sunlit wall lands at about 0.3 to 0.6, the sky at 0.5 to 1.5."""
from dataclasses import dataclass

import numpy as np

from . import building as b

# Slots of the float array that the kernels read.
SUN, SUN_COLOUR, ZENITH, HORIZON = 0, 3, 6, 9
CLOUD_START, CLOUD_LIGHT, GLOW, SKY_OFFSET = 12, 13, 14, 15
HAZE, HAZE_COLOUR = 16, 17
AMBIENT, BOUNCE = 20, 23          # AMBIENT: rgb irradiance from the sky over pi
LIT_SHARE, LIT_LIGHT, LAMPS = 24, 25, 26
COVER, COVER_COLOUR = 27, 28
CRACK, CRACK_REACH, CRACK_WIDTH = 31, 34, 35
BAY, STOREY = 36, 37
LEN = 40

TIMES = ("day", "overcast", "golden", "fog", "dusk", "night")


@dataclass
class Look:
    time: str
    env: np.ndarray       # [LEN]
    palette: np.ndarray   # [MATERIALS,3] albedo
    texture: np.ndarray   # [MATERIALS] 0 plain, 1 brick, 2 ashlar, 3 tiles, 4 board-marked concrete
    dust: np.ndarray      # albedo of the dust
    wind: np.ndarray      # m/s
    grain: float
    contrast: float       # power around middle grey, scene-linear
    saturation: float
    balance: np.ndarray   # white balance gains

    def grade(self, image):
        """The plate's look, applied to linear frames: balance, saturation, contrast around 0.3."""
        image = np.maximum(image, 0) * self.balance
        grey = image @ np.array([.2126, .7152, .0722])
        image = np.maximum(grey[..., None] + (image - grey[..., None]) * self.saturation, 0)
        gain = np.clip((grey + 1e-4) / .3, .02, 1) ** (self.contrast - 1)
        return image * gain[..., None]


def drawLook(rng, facade, kind):
    """One random look; ash and toxic snow prefer dull skies."""
    weights = np.array([.4, .2, .16, .07, .1, .07])
    if kind in ("ash", "toxic_snow"):
        weights = np.array([.15, .5, .1, .15, .06, .04])
    time = TIMES[rng.choice(6, p=weights)]
    env = np.zeros(LEN)
    elevation = rng.uniform(.35, 1.1)
    azimuth = rng.uniform(-2.7, -.45) if rng.random() < .8 else rng.uniform(-3.5, .35)
    exposure = rng.uniform(.8, 1.25)
    cover = rng.uniform(.3, .75)
    sun, zenith, horizon, cloud, ambient, haze, lit = None, None, None, 1.3, .36, .0035, 0.0
    if time == "day":
        warm = 1 - elevation / 1.2
        sun = np.array([1.3, 1.2 - .12 * warm, 1.06 - .3 * warm]) * rng.uniform(.9, 1.15)
        zenith, horizon = np.array([.22, .4, .78]), np.array([.88 + .2 * warm, .95, 1.05 - .2 * warm])
    elif time == "overcast":
        sun = np.array([.12, .12, .12]) * rng.uniform(0, 1)
        zenith, horizon = np.array([.8, .84, .9]), np.array([.98, 1.0, 1.02])
        cover, cloud, ambient = .2, 1.05, .55
    elif time == "golden":
        elevation = rng.uniform(.1, .28)
        sun = np.array([1.55, 1.0, .55]) * rng.uniform(.8, 1.05)
        zenith, horizon = np.array([.24, .36, .58]), np.array([1.15, .84, .56])
        cloud, ambient = 1.0, .34
    elif time == "fog":
        sun = np.array([.2, .19, .17]) * rng.uniform(0, 1)
        zenith = horizon = np.array([.85, .87, .88]) * rng.uniform(.8, 1.05)
        cover, ambient, haze = 9.0, .55, rng.uniform(.012, .035)
    elif time == "dusk":
        sun = np.zeros(3)
        zenith, horizon = np.array([.14, .19, .34]), np.array([.7, .46, .36]) * rng.uniform(.6, 1.1)
        cloud, ambient, lit = .35, .62, rng.uniform(.15, .5)
    else:
        sun = np.array([.035, .045, .07])
        zenith, horizon = np.array([.01, .014, .025]), np.array([.07, .055, .045])
        cloud, ambient, lit, cover = .05, .9, rng.uniform(.2, .5), .5
        exposure *= 1.3
    env[SUN:SUN + 3] = (np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation))
    env[SUN_COLOUR:SUN_COLOUR + 3] = sun * exposure
    env[ZENITH:ZENITH + 3] = zenith * exposure
    env[HORIZON:HORIZON + 3] = horizon * exposure
    env[CLOUD_START], env[CLOUD_LIGHT] = cover, cloud * exposure
    env[GLOW] = 1.0 if time in ("day", "golden") else .1
    env[SKY_OFFSET] = rng.uniform(0, 8)
    env[HAZE] = haze
    env[HAZE_COLOUR:HAZE_COLOUR + 3] = env[HORIZON:HORIZON + 3] * (.75 if time in ("day", "golden") else 1)
    env[AMBIENT:AMBIENT + 3] = (.6 * env[ZENITH:ZENITH + 3] + .4 * env[HORIZON:HORIZON + 3]) * ambient
    env[BOUNCE] = .22
    env[LIT_SHARE], env[LIT_LIGHT] = lit, rng.uniform(.5, 1.6)
    env[LAMPS] = 1.0 if time in ("dusk", "night") else 0.0
    env[BAY], env[STOREY] = facade.width / facade.bays, facade.floorHeight
    if kind == "toxic_snow":
        tint = np.array([1.0, 1.03, .72])
        for slot in (ZENITH, HORIZON, HAZE_COLOUR):
            env[slot:slot + 3] *= 1 + (tint - 1) * .25
    palette, texture = _drawPalette(rng, facade)
    mix = rng.random()
    dust = (np.array([.58, .52, .45]) * (1 - mix) + np.array([.5, .5, .49]) * mix) * rng.uniform(.85, 1.1)
    return Look(time, env, palette, texture, dust * rng.uniform(.97, 1.03, 3),
                np.array([rng.normal(0, 1.1), rng.normal(0, .4), 0]),
                0.0 if rng.random() < .3 else rng.uniform(.002, .009), rng.uniform(1.05, 1.55) if time != "night" else 1.0,
                rng.uniform(.75, 1.2), 1 + rng.uniform(-.06, .06) * np.array([1, 0, -1]))


PLASTERS = ((.62, .55, .44), (.68, .66, .6), (.55, .5, .43), (.5, .5, .5), (.7, .62, .47), (.6, .5, .42),
            (.45, .43, .4), (.72, .7, .66), (.56, .46, .38), (.48, .52, .5))
BRICKS = ((.42, .2, .14), (.48, .26, .18), (.36, .19, .14), (.5, .33, .24))


def _drawPalette(rng, facade):
    palette = np.full((b.MATERIALS, 3), .3)
    texture = np.zeros(b.MATERIALS, np.int64)
    for material in (b.WALL, b.WALL2, b.WALL3):
        style = facade.style if material == b.WALL else ("plain", "brick", "academic", "balcony", "office")[rng.integers(5)]
        if style == "brick":
            palette[material], texture[material] = BRICKS[rng.integers(4)], 1
        else:
            palette[material] = PLASTERS[rng.integers(len(PLASTERS))]
            texture[material] = {"academic": rng.choice([0, 2]), "balcony": rng.choice([0, 0, 1, 3]),
                                 "office": rng.choice([0, 3, 4]), "house": 0}.get(style, rng.choice([0, 0, 2, 4]))
            if texture[material] == 1:
                palette[material] = BRICKS[rng.integers(4)]
    wall = palette[b.WALL]
    trims = (np.array([.7, .68, .63]), wall * 1.2, wall * .8, np.array([.5, .49, .47]))
    palette[b.TRIM] = np.clip(trims[rng.integers(4)], .05, .8)
    palette[b.ROOM] = np.array([.5, .47, .42]) * rng.uniform(.5, 1.1)
    palette[b.RAW] = (np.array([.42, .36, .31]), np.array([.4, .39, .37]), np.array([.42, .28, .21]))[rng.integers(3)]
    palette[b.GLASS] = (.02, .024, .028)
    value = rng.choice([.03, .06, .2, .5, .6])
    palette[b.CAR] = value * (1 + rng.uniform(-.25, .25, 3) * (rng.random() < .5))
    if rng.random() < .15:
        palette[b.CAR] = (.32, .05, .05) if rng.random() < .5 else (.06, .1, .25)
    palette[b.METAL] = (.05, .05, .055)
    palette[b.RAIL] = (.04, .04, .042) if rng.random() < .7 else (.5, .5, .48)
    greens = ((.075, .13, .035), (.1, .14, .04), (.06, .1, .03), (.22, .16, .33), (.16, .13, .05))
    palette[b.LEAF] = greens[rng.choice(5, p=(.35, .3, .2, .1, .05))]
    palette[b.GROUND] = np.array([.12, .12, .125]) * rng.uniform(.6, 1.5)
    palette[b.BLIND] = (np.array([.6, .58, .52]), np.array([.35, .24, .15]), np.array([.5, .5, .5]),
                        np.array([.22, .27, .22]))[rng.integers(4)]
    palette[b.BASE] = (np.array([.2, .19, .18]), np.array([.35, .33, .3]), wall * .7)[rng.integers(3)]
    palette[b.ROOF] = (np.array([.16, .16, .17]), np.array([.33, .2, .15]))[rng.integers(2)]
    palette[b.PARTY] = (np.array([.5, .48, .44]), np.array([.4, .38, .36]), wall * .9)[rng.integers(3)]
    palette[b.FAR] = PLASTERS[rng.integers(len(PLASTERS))]
    palette[b.WOOD] = np.array([.22, .14, .09]) * rng.uniform(.6, 1.4)
    hue = rng.uniform(0, 1, 3) ** 1.5
    palette[b.SIGN] = .08 + .4 * (.45 * hue.mean() + .55 * hue) * rng.uniform(.4, 1)
    palette[b.UNIT] = np.array([.6, .6, .57]) * rng.uniform(.6, 1.1)
    palette[b.LAMP] = (.6, .6, .58)
    palette *= rng.uniform(.88, 1.1, (b.MATERIALS, 1))
    return palette, texture
