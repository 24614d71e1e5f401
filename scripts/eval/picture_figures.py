"""The figures of picture.sh as arithmetic on arrays: what a compositor sees, as numbers.

Pictures are sRGB display values 0..1, [H,W,3]; mattes, rings and masks are [H,W]. Colours are compared as CIE Delta E 2000
by scikit-image.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.color import deltaE_ciede2000, rgb2lab

RING = 16          # plate pixels outside the matte in which colours are compared
BLOCK = 16         # side of the blocks whose brightness is followed
NEIGHBOURS = 8     # frames on either side of a window's border that stand for the inside of windows
LATENT_FRAMES = 4  # pictures that a latent frame stands for, but for the first


def ringOf(matte: np.ndarray, within: np.ndarray | None = None, width: float = RING) -> np.ndarray:
    """Pixels outside the matte (0) at most `width` from where it is not; only those in `within`."""
    if not (matte > 0).any():
        return np.zeros(matte.shape, bool)
    away = ndimage.distance_transform_edt(matte <= 0)
    ring = (away > 0) & (away <= width)
    return ring if within is None else ring & within


def colourDifference(first: np.ndarray, second: np.ndarray, where: np.ndarray) -> tuple[float, float]:
    """Of two pictures in sRGB display values 0..1: the mean Delta E 2000 over `where`, and the Delta E 2000 of the mean
    colours there, which sees a drift but no detail. NaN for an empty `where`."""
    if not where.any():
        return float("nan"), float("nan")
    a, b = (rgb2lab(np.clip(p[where], 0, 1)[None])[0] for p in (first, second))
    return float(deltaE_ciede2000(a, b).mean()), float(deltaE_ciede2000(a.mean(0), b.mean(0)))


def slope(values: np.ndarray, per: float = 100) -> tuple[float, float]:
    """Of a straight line fitted to values of successive frames, per `per` frames, and its standard error."""
    frames = np.flatnonzero(np.isfinite(values))
    if len(frames) < 3:
        return float("nan"), float("nan")
    y = np.asarray(values, float)[frames]
    gradient, offset = np.polyfit(frames, y, 1)
    spread = ((frames - frames.mean()) ** 2).sum()
    error = np.sqrt(((y - gradient * frames - offset) ** 2).sum() / (len(frames) - 2) / spread)
    return per * float(gradient), per * float(error)


def seamGradients(composite: np.ndarray, plate: np.ndarray, matte: np.ndarray) -> tuple[float, float]:
    """Sums of the gradient's magnitude across the matte's edge, of both pictures (mean of the channels), over all pixels
    where the matte changes. Their ratio is the seam's strength: 1 where the composite is as smooth as the plate."""
    down, right = np.gradient(matte.astype(np.float64))
    length = np.hypot(down, right)
    edge = length > 0
    if not edge.any():
        return 0.0, 0.0
    normal = [(d[edge] / length[edge])[:, None] for d in (down, right)]
    sums = []
    for picture in (composite, plate):
        dy, dx = np.gradient(picture.astype(np.float64), axis=(0, 1))
        sums.append(float(np.abs(dy[edge] * normal[0] + dx[edge] * normal[1]).mean(-1).sum()))
    return sums[0], sums[1]


def blockBrightness(picture: np.ndarray, inside: np.ndarray, side: int = BLOCK) -> np.ndarray:
    """Mean lightness L* of every block that lies inside at least by half, NaN for the others; last the mean over all of
    `inside`."""
    lightness = rgb2lab(np.clip(picture, 0, 1))[..., 0]
    pad = [(0, -n % side) for n in inside.shape]
    split = lambda a: np.pad(a, pad).reshape((inside.shape[0] + pad[0][1]) // side, side, -1, side).sum((1, 3))
    count, total = split(inside.astype(float)), split(lightness * inside)
    with np.errstate(invalid="ignore", divide="ignore"):
        blocks = np.where(count >= 0.5 * side * side, total / count, np.nan).ravel()
    return np.append(blocks, lightness[inside].mean() if inside.any() else np.nan)


def stepsOf(series: np.ndarray) -> np.ndarray:
    """Mean absolute change from each frame to the next, over the columns that both have; series [F,columns]."""
    with np.errstate(invalid="ignore"):
        change = np.abs(np.diff(series, axis=0))
    known = np.isfinite(change)
    return np.where(known.any(1), np.where(known, change, 0).sum(1) / np.maximum(known.sum(1), 1), np.nan)


def windowBorders(windows: list[dict], latents: int) -> list[int]:
    """Frames (from 0) after which a window begins or ends; windows are in latent frames."""
    places = {w["first"] for w in windows} | {w["first"] + w["length"] for w in windows}
    return sorted(LATENT_FRAMES * (p - 1) for p in places if 0 < p < latents)


def borderRatio(steps: np.ndarray, borders: list[int], alike: bool = False) -> float:
    """Mean step across the borders over the mean step inside windows, within NEIGHBOURS frames of a border. Every border
    lies between two latent frames; `alike` compares with such places alone, which leaves out what the decoder does at each."""
    if not borders:
        return float("nan")
    at = np.arange(len(steps))
    isBorder = np.isin(at, borders) & np.isfinite(steps)
    inside = np.any([np.abs(at - b) <= NEIGHBOURS for b in borders], axis=0) & ~np.isin(at, borders) & np.isfinite(steps)
    if alike:
        inside &= (at - borders[0]) % LATENT_FRAMES == 0
    if not isBorder.any() or not inside.any() or steps[inside].mean() == 0:
        return float("nan")
    return float(steps[isBorder].mean() / steps[inside].mean())


def differingPixels(delivered: np.ndarray, plate: np.ndarray, where: np.ndarray | None = None) -> int:
    """Pixels of which any channel's bits differ."""
    bits = [np.ascontiguousarray(a, np.float32).view(np.uint32) for a in (delivered, plate)]
    differs = (bits[0] != bits[1]).any(-1)
    return int((differs if where is None else differs & where).sum())
