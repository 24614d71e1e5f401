"""Latents drawn while training, from clips that lie on the device: flip, zoom, grade and matte are new in every draw.

A GPU asks for samples a hundred times faster than clips can be simulated, and learns files by heart that it has seen fifty
times. Here a share of its samples is replaced all the time by new draws of the clips that are there so far.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F

from common import repeatedly
from conditioning import drawForm, shapeMatte, splitPlate
from data import readClip
from footage.prompts import mirror_prompt
from vae import encodeMean

GRADED, ZOOMED = 0.7, 0.6  # share of the draws
LUMA = (0.2126, 0.7152, 0.0722)


@dataclass
class LiveClip:
    """Plate, truth and matte of a clip as one tensor [F,7,H,W] uint8 on the device, and what its draws need to know."""

    frames: torch.Tensor
    kind: str
    onset: int
    prompts: list[str]


def framing(rng: random.Random) -> tuple[float, float, float, bool]:
    """Scale (1 = the whole frame), centre in [-1,1] and flip of a draw; the window stays inside the frame."""
    scale = rng.uniform(0.68, 1.0) if rng.random() < ZOOMED else 1.0
    room = 1 - scale
    return scale, rng.uniform(-room, room), rng.uniform(-room, room), rng.random() < 0.5


def framed(videos: torch.Tensor, frames: list[tuple[float, float, float, bool]]) -> torch.Tensor:
    """Videos [B,F,C,H,W] in [0,1], each seen through its framing."""
    theta = torch.tensor([[[-s if flip else s, 0, x], [0, s, y]] for s, x, y, flip in frames], device=videos.device)
    flat = videos.flatten(1, 2)
    grid = F.affine_grid(theta, list(flat.shape), align_corners=False)
    return F.grid_sample(flat, grid, padding_mode="border", align_corners=False).view_as(videos)


def graded(videos: torch.Tensor, rng: random.Random) -> torch.Tensor:
    """Videos [B,F,C,H,W] in [0,1] under another exposure, contrast, saturation and white balance, one grade a video of
    the batch: a plate is graded before it comes to us, and what falls must fall in any grade."""
    def each(draw) -> torch.Tensor:
        drawn = [draw() for _ in range(len(videos))]
        return torch.tensor(drawn, device=videos.device).view(len(videos), 1, -1, 1, 1)

    use = each(lambda: float(rng.random() < GRADED))
    gamma = each(lambda: 2 ** rng.gauss(0, 0.25))
    gain = each(lambda: [2 ** (common + rng.gauss(0, 0.04)) for common in [rng.gauss(0, 0.15)] for _ in range(3)])
    saturation = each(lambda: rng.uniform(0.5, 1.3))
    made = gain * videos.clamp_min(1e-4) ** gamma
    grey = (made * torch.tensor(LUMA, device=videos.device).view(1, 1, 3, 1, 1)).sum(2, keepdim=True)
    return torch.lerp(videos, grey + saturation * (made - grey), use).clamp(0, 1)


class LiveLatents:
    """Clips of `folders` on the device (new files are read by a thread), and draws of them.

    All clips have the first one's size and number of frames; others are left out. `mean` and `std` [z] normalise the latents.
    """

    def __init__(self, folders: list[Path], vae, mean, std, device, seed: int, interval: float = 3.0):
        self.folders, self.vae, self.device, self.interval = folders, vae, device, interval
        self.mean, self.std = (x.to(device)[:, None, None, None] for x in (mean, std))
        self.rng = random.Random(seed)
        self.clips: list[LiveClip] = []
        self.seen: set[Path] = set()

    def scan(self) -> None:
        for path in [p for folder in self.folders for p in sorted(folder.glob("*.npz"))]:
            if path in self.seen or time.time() - path.stat().st_mtime < 1:
                continue
            self.seen.add(path)
            clip = readClip(path)
            parts = [torch.from_numpy(a).to(self.device) for a in (clip.clean, clip.destroyed, clip.matte[..., None])]
            frames = torch.cat(parts, -1).permute(0, 3, 1, 2).contiguous()
            if not self.clips or frames.shape == self.clips[0].frames.shape:
                self.clips.append(LiveClip(frames, clip.kind, clip.onset, clip.prompts))

    def watch(self, atLeast: int) -> None:
        """Waits for so many clips, then goes on reading new ones in a thread."""
        self.scan()
        while len(self) < atLeast:
            time.sleep(self.interval)
            self.scan()
        repeatedly(self.scan, self.interval)

    def __len__(self) -> int:
        return len(self.clips)

    @torch.no_grad()
    def draw(self, count: int) -> list[dict]:
        """Samples: normalised latents target, inactive, reactive [z,T,h,w] in half precision, mask [F,H,W], prompts."""
        chosen = self.rng.choices(self.clips, k=count)
        framings = [framing(self.rng) for _ in chosen]
        videos = framed(torch.stack([clip.frames for clip in chosen]).float() / 255, framings)
        plates, truths = graded(torch.cat([videos[:, :, :3], videos[:, :, 3:6]], 1), self.rng).chunk(2, 1)
        drawn, inputs = [], []
        for number, (clip, (_, _, _, flip)) in enumerate(zip(chosen, framings)):
            mask = shapeMatte(255 * videos[number, :, 6], drawForm(self.rng, clip.kind), self.rng)
            mask[:clip.onset] = 0
            plate, truth = (2 * v[number].transpose(0, 1) - 1 for v in (plates, truths))
            inputs += [truth, *splitPlate(plate, mask)]
            prompts = [mirror_prompt(p) for p in clip.prompts] if flip else clip.prompts
            drawn.append({"mask": mask, "prompts": prompts})
        latents = torch.cat([encodeMean(self.vae, torch.stack(inputs[i:i + 24])) for i in range(0, len(inputs), 24)])
        latents = ((latents - self.mean) / self.std).half().unflatten(0, (-1, 3))
        for item, latent in zip(drawn, latents):
            item.update(zip(("target", "inactive", "reactive"), latent))
        return drawn
