"""Latents drawn while training, from clips that lie on the device: flip, zoom, grade and matte are new in every draw.

A GPU asks for samples a hundred times faster than clips can be simulated, and learns files by heart that it has seen fifty
times. Here a share of its samples is replaced all the time by new draws of the clips that are there so far.
"""

from __future__ import annotations

import atexit
import contextlib
import queue
import random
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from common import Followed, averaged, repeatedly
from conditioning import drawForm, eventShare, shapeMatte, splitPlate
from data import hashName, panPhotograph, readClip
from footage.prompts import mirror_prompt
from vae import encodeMean

GRADED, ZOOMED = 0.7, 0.6  # share of the draws
encoding = threading.Lock()  # a VAE keeps what it has seen of a clip in itself: one draw at a time
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


class LiveClips:
    """Clips of `folders` on the device; new files are read by a thread.

    All clips have the first one's size and number of frames; others are left out. One in `heldEvery` (by its name) is left out too.
    """

    def __init__(self, folders: list[Path], device, seed: int, heldEvery: int = 0, interval: float = 3.0):
        self.folders, self.device, self.heldEvery, self.interval = folders, torch.device(device), heldEvery, interval
        self.rng = random.Random(seed)
        self.clips: list[LiveClip] = []
        self.seen: set[Path] = set()

    def scan(self) -> None:
        for path in [p for folder in self.folders for p in sorted(folder.glob("*.npz"))]:
            if path in self.seen or time.time() - path.stat().st_mtime < 1:
                continue
            self.seen.add(path)
            if self.heldEvery and hashName(path.stem) % self.heldEvery == 0:
                continue
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


class LiveCrops(LiveClips):
    """Crops for the VAE, as data.VaeSampler's, made on the device: in the time of a step there, some hundred."""

    PHOTOGRAPHS, PHOTOGRAPH_FRAMES = 256, 9

    def __init__(self, folders, photographs: list[np.ndarray], device, seed: int, heldEvery: int, photographShare: float = 0.15):
        super().__init__(folders, device, seed, heldEvery)
        self.share = photographShare if photographs else 0.0
        pans = [panPhotograph(self.rng.choice(photographs), self.PHOTOGRAPH_FRAMES, 128, self.rng)
                for _ in range(self.PHOTOGRAPHS if photographs else 0)]
        self.pans = [torch.from_numpy(p).permute(0, 3, 1, 2).to(device) for p in pans]

    def one(self, size: int, frames: int) -> torch.Tensor:
        """[frames,3,size,size] in [0,1]: a bare crop mostly; sometimes a smaller patch enlarged or a larger one reduced."""
        rng = self.rng
        if rng.random() < self.share:
            video = rng.choice(self.pans)
        else:
            clip = rng.choice(self.clips).frames
            video = clip[:, 3:6] if rng.random() < 0.8 else clip[:, :3]
        start = rng.randint(0, len(video) - frames)
        height, width = video.shape[2:]
        draw = rng.random()
        side = size / rng.uniform(1, 2) if draw < 0.2 else size * rng.uniform(1, 2) if draw < 0.4 else size
        side = min(int(side), height, width)
        y, x = rng.randint(0, height - side), rng.randint(0, width - side)
        crop = video[start:start + frames, :, y:y + side, x:x + side].float() / 255
        return crop if side == size else F.interpolate(crop, (size, size), mode="bilinear", antialias=True)

    @torch.no_grad()
    def batch(self, count: int, size: int, frames: int) -> torch.Tensor:
        """[count,3,frames,size,size] in [-1,1], some mirrored, reversed, or of another exposure and balance."""
        rng = self.rng
        crops = torch.stack([self.one(size, frames) for _ in range(count)]).transpose(1, 2)
        gains = [[rng.uniform(0.7, 1.3) for _ in range(3)] if rng.random() < 0.5 else [1.0] * 3 for _ in range(count)]
        crops = (crops * torch.tensor(gains, device=crops.device)[:, :, None, None, None]).clamp(0, 1)
        flips = torch.tensor([rng.random() < 0.5 for _ in range(count)], device=crops.device)
        crops = torch.where(flips[:, None, None, None, None], crops.flip(-1), crops)
        if frames > 1 and rng.random() < 0.1:
            crops = crops.flip(2)
        return 2 * crops - 1


class LiveLatents(LiveClips):
    """Draws of clips as latents of a VAE. `mean` and `std` [z] normalise them.

    `follow` is the checkpoint of a VAE that is being trained meanwhile: its encoder is taken over as it changes. With
    `pictures` the draws have their plate and truth too.
    """

    def __init__(self, folders: list[Path], vae, mean, std, device, seed: int, follow: Path | None = None, pictures: bool = False):
        super().__init__(folders, device, seed)
        self.vae, self.follow, self.pictures = vae, Followed(follow), pictures
        self.ahead: queue.Queue[list[dict]] = queue.Queue(maxsize=1)
        self.ending = threading.Event()
        self.mean, self.std = (x.to(device)[:, None, None, None] for x in (mean, std))

    def renewEncoder(self) -> None:
        """Takes over the followed checkpoint's averages, if it is newer than those that are here."""
        if checkpoint := self.follow.newer(self.device):
            self.vae.load_state_dict(averaged(checkpoint, "vae"))

    def draw(self, count: int) -> list[dict]:
        """Samples of `count` clips, see drawsOf."""
        self.renewEncoder()
        return self.drawsOf(self.rng.choices(self.clips, k=count))

    def drawAhead(self, count: int) -> None:
        """From now on a thread keeps a draw of so many ready, on a CUDA stream of its own: training need not wait for it."""
        def loop() -> None:
            stream = torch.cuda.Stream() if self.device.type == "cuda" else None
            with torch.cuda.stream(stream):
                while not self.ending.is_set():
                    drawn = self.draw(count)
                    if stream:
                        stream.synchronize()
                    while not self.ending.is_set():
                        with contextlib.suppress(queue.Full):
                            self.ahead.put(drawn, timeout=0.2)
                            break

        thread = threading.Thread(target=loop, daemon=True)
        thread.start()
        # A thread inside torch while the interpreter goes takes the process down with an error.
        atexit.register(lambda: (self.ending.set(), thread.join()))

    def taken(self) -> list[dict] | None:
        """The draw that drawAhead's thread has ready, if there is one."""
        try:
            drawn = self.ahead.get_nowait()
        except queue.Empty:
            return None
        if self.device.type == "cuda":  # their memory must not be used again before this thread's stream has read them
            for value in [v for item in drawn for v in item.values() if torch.is_tensor(v)]:
                value.record_stream(torch.cuda.current_stream())
        return drawn

    def each(self) -> list[dict]:
        """A sample of every clip, see drawsOf."""
        return self.drawsOf(self.clips)

    @torch.no_grad()
    def drawsOf(self, chosen: list[LiveClip]) -> list[dict]:
        """Samples: normalised latents target, inactive, reactive [z,T,h,w] in half precision, mask [F,H,W], prompts; with
        `pictures` truth and plate [3,F,H,W] in [-1,1]."""
        framings = [framing(self.rng) for _ in chosen]
        videos = framed(torch.stack([clip.frames for clip in chosen]).float() / 255, framings)
        plates, truths = graded(torch.cat([videos[:, :, :3], videos[:, :, 3:6]], 1), self.rng).chunk(2, 1)
        masks = torch.stack([shapeMatte(255 * video[:, 6], drawForm(self.rng, clip.kind), self.rng)
                             for clip, video in zip(chosen, videos)])
        for clip, mask in zip(chosen, masks):
            mask[:clip.onset] = 0
        shares = eventShare(masks.flatten(0, 1), videos[:, :, 6].flatten(0, 1)).view_as(masks)
        drawn, inputs = [], []
        for number, (clip, mask, share, (_, _, _, flip)) in enumerate(zip(chosen, masks, shares, framings)):
            plate, truth = (2 * v[number].transpose(0, 1) - 1 for v in (plates, truths))
            truth = torch.lerp(plate, truth, share[None])
            inputs += [truth, *splitPlate(plate, mask)]
            prompts = [mirror_prompt(p) for p in clip.prompts] if flip else clip.prompts
            drawn.append({"mask": mask, "prompts": prompts, **({"truth": truth, "plate": plate} if self.pictures else {})})
        # float16's mantissa is TF32's; bfloat16 would lose what the encoder's constant channel stands beside.
        with torch.autocast(self.device.type, torch.float16, enabled=self.device.type == "cuda"), encoding:
            latents = torch.cat([encodeMean(self.vae, torch.stack(inputs[i:i + 48])) for i in range(0, len(inputs), 48)])
        latents = ((latents.float() - self.mean) / self.std).half().unflatten(0, (-1, 3))
        for item, latent in zip(drawn, latents):
            item.update(zip(("target", "inactive", "reactive"), latent))
        return drawn
