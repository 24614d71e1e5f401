"""Mattes as artists draw them, and VACE conditioning exactly as WanVACEPipeline prepares it."""

from __future__ import annotations

import math
import random

import torch
import torch.nn.functional as F

# Loose mattes dominate: destruction leaves the silhouette, and a matte that leaves it room is what the docs advise.
MATTE_FORMS = {"tight": 0.1, "dilated": 0.45, "hull": 0.15, "box": 0.15, "feathered": 0.1, "frame": 0.05}


def growMatte(matte: torch.Tensor, radius: int) -> torch.Tensor:
    """Dilates [F,H,W] float by a square of the radius in pixels."""
    if radius <= 0:
        return matte
    side = 2 * radius + 1
    return F.max_pool2d(F.max_pool2d(matte[:, None], (side, 1), 1, (radius, 0)), (1, side), 1, (0, radius))[:, 0]


def hullMatte(matte: torch.Tensor, sides: int = 32) -> torch.Tensor:
    """A convex polygon around every frame's matte [F,H,W] (0 or 1), its sides in fixed directions; empty frames stay so."""
    frames, height, width = matte.shape
    angle = torch.arange(sides, device=matte.device) * (2 * math.pi / sides)
    y, x = torch.meshgrid(torch.arange(height, device=matte.device), torch.arange(width, device=matte.device), indexing="ij")
    along = torch.cos(angle)[:, None] * x.flatten() + torch.sin(angle)[:, None] * y.flatten()  # [sides, H W]
    hull = torch.ones(frames, height * width, dtype=torch.bool, device=matte.device)
    outside = matte.flatten(1) < 0.5
    for row in along:
        hull &= row <= row.expand(frames, -1).masked_fill(outside, -math.inf).amax(1, keepdim=True) + 1e-3
    return hull.view(matte.shape).float()


def boxMatte(matte: torch.Tensor, margin: float) -> torch.Tensor:
    """One box over all frames, `margin` of its size larger on each side."""
    used = matte.amax(0) > 0.5
    rows, columns = used.any(1).nonzero()[:, 0].tolist(), used.any(0).nonzero()[:, 0].tolist()
    out = torch.zeros_like(matte)
    if rows:
        my, mx = int(margin * (rows[-1] - rows[0] + 1)), int(margin * (columns[-1] - columns[0] + 1))
        out[:, max(0, rows[0] - my):rows[-1] + my + 1, max(0, columns[0] - mx):columns[-1] + mx + 1] = 1
    return out


def shapeMatte(matte: torch.Tensor, form: str, rng: random.Random) -> torch.Tensor:
    """A matte [F,H,W] uint8 made into one of MATTE_FORMS; float32 in [0,1]. Only "feathered" has values in between."""
    binary = (matte > 127).float()
    size = min(matte.shape[1:])
    if form == "frame" or not binary.any():
        return torch.full_like(binary, 1.0 if form == "frame" else 0.0)
    if form == "dilated":
        binary = growMatte(binary, int(size * rng.uniform(0.02, 0.12)))
    elif form == "hull":
        binary = growMatte(hullMatte(binary), int(size * rng.uniform(0.0, 0.06)))
    elif form == "box":
        binary = boxMatte(binary, rng.uniform(0.0, 0.25))
    elif form == "feathered":
        radius = max(1, int(size * rng.uniform(0.02, 0.05)))
        soft = growMatte(binary, radius)[:, None]
        for _ in range(2):
            soft = F.avg_pool2d(soft, 2 * radius + 1, 1, radius, count_include_pad=False)
        return soft[:, 0]
    return binary


def distanceTo(seed: torch.Tensor, reach: int) -> torch.Tensor:
    """Pixels to the nearest one that is set, [F,H,W] of a bool [F,H,W], `reach` at most. Octagons stand for circles."""
    near, distance = seed[:, None].float(), torch.zeros(seed.shape, device=seed.device)
    for step in range(reach):
        distance += 1 - near[:, 0]
        cross = torch.maximum(F.max_pool2d(near, (3, 1), 1, (1, 0)), F.max_pool2d(near, (1, 3), 1, (0, 1)))
        near = F.max_pool2d(near, 3, 1, 1) if step % 2 else cross
    return distance


def eventShare(mask: torch.Tensor, matte: torch.Tensor) -> torch.Tensor:
    """How much of the event a model is to show, [F,H,W] in [0,1], of a mask as shapeMatte makes it and the matte [F,H,W] of
    what falls (1 or 0): all of it there, none at the mask's edge and outside, between them less and less. Dust that
    goes on beyond the mask would else end at its edge as if it were cut with a knife, since there the plate begins."""
    inside = mask > 0.5
    falls = inside & (matte > 0.5)
    reach = min(mask.shape[1:]) // 4
    toEdge, toFall = distanceTo(~inside, reach), distanceTo(falls, reach)
    share = toEdge / (toEdge + toFall).clamp_min(1)
    # Without an edge in the picture, or with nothing of its own that falls, there is nothing to fade between.
    whole = inside.flatten(1).all(1) | ~falls.flatten(1).any(1)
    return torch.where(whole[:, None, None], inside.float(), share)


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
