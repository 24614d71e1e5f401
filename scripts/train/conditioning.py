"""Mattes as artists draw them, and VACE conditioning exactly as WanVACEPipeline prepares it."""

from __future__ import annotations

import random

import numpy as np
import torch
import torch.nn.functional as F

# Loose mattes dominate: destruction leaves the silhouette, and a matte that leaves it room is what the docs advise.
MATTE_FORMS = {"tight": 0.1, "dilated": 0.45, "hull": 0.15, "box": 0.15, "feathered": 0.1, "frame": 0.05}


def growMatte(matte: np.ndarray, radius: int) -> np.ndarray:
    """Dilates [F,H,W] bool by a square of the radius in pixels."""
    if radius <= 0:
        return matte
    grown = F.max_pool2d(torch.from_numpy(matte.astype(np.float32))[:, None], 2 * radius + 1, 1, radius)
    return grown[:, 0].numpy() > 0.5


def hullMatte(matte: np.ndarray) -> np.ndarray:
    """The convex hull of every frame's matte."""
    from skimage.morphology import convex_hull_image

    return np.stack([convex_hull_image(m) if m.any() else m for m in matte])


def boxMatte(matte: np.ndarray, margin: float) -> np.ndarray:
    """One box over all frames, `margin` of its size larger on each side."""
    out = np.zeros_like(matte)
    ys, xs = np.nonzero(matte.any(axis=0))
    if len(ys):
        my, mx = int(margin * (np.ptp(ys) + 1)), int(margin * (np.ptp(xs) + 1))
        out[:, max(0, ys.min() - my):ys.max() + my + 1, max(0, xs.min() - mx):xs.max() + mx + 1] = True
    return out


def shapeMatte(matte: np.ndarray, form: str, rng: random.Random) -> np.ndarray:
    """A matte [F,H,W] uint8 made into one of MATTE_FORMS; float32 in [0,1]. Only "feathered" has values in between."""
    binary = matte > 127
    size = min(matte.shape[1:])
    if form == "frame" or not binary.any():
        return np.full(matte.shape, 1.0 if form == "frame" else 0.0, np.float32)
    if form == "dilated":
        binary = growMatte(binary, int(size * rng.uniform(0.02, 0.12)))
    elif form == "hull":
        binary = growMatte(hullMatte(binary), int(size * rng.uniform(0.0, 0.06)))
    elif form == "box":
        binary = boxMatte(binary, rng.uniform(0.0, 0.25))
    elif form == "feathered":
        radius = max(1, int(size * rng.uniform(0.02, 0.05)))
        soft = torch.from_numpy(growMatte(binary, radius).astype(np.float32))[:, None]
        for _ in range(2):
            soft = F.avg_pool2d(soft, 2 * radius + 1, 1, radius, count_include_pad=False)
        return soft[:, 0].numpy()
    return binary.astype(np.float32)


def drawForm(rng: random.Random, kind: str) -> str:
    """Whole-frame mattes mostly for what covers everything (ash, snow), else the shares of MATTE_FORMS."""
    if kind in ("ash", "toxic_snow") and rng.random() < 0.7:
        return "frame"
    return rng.choices(list(MATTE_FORMS), list(MATTE_FORMS.values()))[0]


def packMask(mask: torch.Tensor, factor: int = 8) -> torch.Tensor:
    """Mask [F,H,W] (not binarised) to the 64 channels [64,T,H/8,W/8] of WanVACEPipeline.prepare_masks."""
    frames, height, width = mask.shape
    latents = (frames + 3) // 4
    packed = mask.view(frames, height // factor, factor, width // factor, factor).permute(2, 4, 0, 1, 3).flatten(0, 1)
    return F.interpolate(packed[None], size=(latents, height // factor, width // factor), mode="nearest-exact")[0]


def splitPlate(video: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Inactive and reactive videos [3,F,H,W] of a plate in [-1,1] and a mask [F,H,W], hard at one half."""
    hard = (mask > 0.5).to(video.dtype)[None]
    return video * (1 - hard), video * hard


def latentWeight(mask: torch.Tensor, outside: float) -> torch.Tensor:
    """Loss weight [T,H/8,W/8] of a mask [F,H,W]: 1 where any pixel of the latent is generated, else `outside`."""
    first, rest = mask[:1], mask[1:]
    groups = [first.amax(0, keepdim=True)]
    if len(rest):
        groups.append(rest.view(-1, 4, *rest.shape[1:]).amax(1))
    inside = F.max_pool2d((torch.cat(groups) > 0.5).float()[:, None], 8)[:, 0]
    return outside + (1 - outside) * inside
