"""Clips of simulated destruction and free photographs, read into memory and cropped at random.

A clip file is described in scripts/train/footage; every array is uint8 in the model's working encoding.
"""

from __future__ import annotations

import json
import random
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from common import repeatedly

# scikit-image's own licence notes: these are CC0 or public domain (docstrings of skimage.data).
PHOTOGRAPHS = ["brick.png", "gravel.png", "grass.png", "camera.png", "chelsea.png", "coffee.png",
               "rocket.jpg", "astronaut.png", "hubble_deep_field.jpg"]
HELD_OUT_PHOTOGRAPHS = ["coffee.png", "rocket.jpg", "camera.png"]


@dataclass
class Clip:
    """One simulated clip: frames [F,H,W,3], matte [F,H,W], all uint8, and its description."""

    name: str
    clean: np.ndarray
    destroyed: np.ndarray
    matte: np.ndarray
    meta: dict = field(default_factory=dict)

    @property
    def kind(self) -> str:
        return self.meta["kind"]

    @property
    def onset(self) -> int:
        return int(self.meta["onset"])

    @property
    def prompts(self) -> list[str]:
        """In both languages."""
        return [*self.meta["prompts"]["en"], *self.meta["prompts"].get("es", [])]


def readClip(path: Path) -> Clip:
    """Reads one clip file (also the early prototype's form, which has one prompt and no description)."""
    with np.load(path, allow_pickle=False) as z:
        if "destroyed" in z:
            meta = json.loads(str(z["meta"]))
            return Clip(path.stem, z["clean"], z["destroyed"], z["matte"], meta)
        clean, destroyed, matte = z["clean"], z["dest"], z["matte"][..., 0]
        prompt = str(z["prompt"])
    changed = np.abs(clean.astype(np.int16) - destroyed).reshape(len(clean), -1).max(axis=1) > 2
    onset = int(np.argmax(changed)) if changed.any() else len(clean)
    direction = "left" if "left" in prompt else "right" if "right" in prompt else "none"
    meta = {"kind": prototypeKind(prompt), "direction": direction, "onset": onset,
            "prompts": {"en": [prompt], "es": []}, "dust": 0.5, "tier": "prototype"}
    return Clip("prototype_" + path.stem, clean, destroyed, matte, meta)


def prototypeKind(prompt: str) -> str:
    for word, kind in (("left", "left"), ("right", "right"), ("explo", "explosion"), ("toxic", "toxic_snow"),
                       ("snow", "toxic_snow"), ("ash", "ash")):
        if word in prompt:
            return kind
    return "down"


class ClipStore:
    """Keeps the clips of some folders in memory and looks for new ones every `interval` seconds in a thread.

    Beyond `capacityBytes` the oldest clips are dropped, so a generator may write without end. Folders of the
    prototype are given up once `enough` product clips are there.
    """

    def __init__(self, folders: list[Path], interval: float = 60.0, capacityBytes: float = 6e9, limit: int | None = None,
                 held: bool = False, heldEvery: int = 0):
        self.folders = [Path(f) for f in folders]
        self.capacity = capacityBytes
        self.limit = limit
        self.held, self.heldEvery = held, heldEvery
        self.clips: dict[Path, Clip] = {}
        self.bytes = 0
        self.lock = threading.Lock()
        self.seen: set[Path] = set()
        self.interval = interval

    def scan(self, atLeast: int | None = None) -> None:
        """Reads the files not read yet; stops early once `atLeast` clips are there."""
        for folder in self.folders:
            for path in self.order(folder):
                if path in self.seen or time.time() - path.stat().st_mtime < 2:
                    continue
                if self.heldEvery and (hashName(path.stem) % self.heldEvery == 0) != self.held:
                    self.seen.add(path)
                    continue
                if self.limit is not None and len(self.clips) >= self.limit:
                    return
                try:
                    clip = readClip(path)
                except Exception as error:  # a file being written: it is tried again at the next scan
                    print(f"skipped {path.name}: {error}", flush=True)
                    continue
                size = clip.clean.nbytes + clip.destroyed.nbytes + clip.matte.nbytes
                with self.lock:
                    self.seen.add(path)
                    self.clips[path] = clip
                    self.bytes += size
                    while self.bytes > self.capacity and len(self.clips) > 1:
                        oldest = next(iter(self.clips))
                        old = self.clips.pop(oldest)
                        self.bytes -= old.clean.nbytes + old.destroyed.nbytes + old.matte.nbytes
                if atLeast is not None and len(self.clips) >= atLeast:
                    return

    @staticmethod
    def order(folder: Path) -> list[Path]:
        """The folder's clips in an order that is random but the same in every run."""
        return sorted(folder.glob("*.npz"), key=lambda p: hashName(p.stem))

    def watch(self) -> None:
        repeatedly(self.scan, self.interval)

    def all(self) -> list[Clip]:
        with self.lock:
            return list(self.clips.values())

    def __len__(self) -> int:
        return len(self.clips)


def hashName(name: str) -> int:
    """A stable number from a name (Python's own hash differs from run to run)."""
    value = 2166136261
    for byte in name.encode():
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value


def loadPhotographs(heldOut: bool) -> list[np.ndarray]:
    """The free photographs as [H,W,3] uint8; grey ones get three equal channels."""
    import skimage
    from PIL import Image

    folder = Path(skimage.__file__).parent / "data"
    images = []
    for name in PHOTOGRAPHS:
        if (name in HELD_OUT_PHOTOGRAPHS) == heldOut and (folder / name).exists():
            images.append(np.asarray(Image.open(folder / name).convert("RGB")))
    return images


def resizeFrames(frames: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """[F,H,W,3] or [F,H,W] uint8 to another height and width, area-averaged where it shrinks."""
    from PIL import Image

    height, width = size
    if frames.shape[1:3] == (height, width):
        return frames
    filterKind = Image.BOX if height < frames.shape[1] else Image.BICUBIC
    return np.stack([np.asarray(Image.fromarray(f).resize((width, height), filterKind)) for f in frames])


def panPhotograph(image: np.ndarray, frames: int, size: int, rng: random.Random) -> np.ndarray:
    """A clip [frames,size,size,3] that pans and zooms over a photograph."""
    from PIL import Image

    source = Image.fromarray(image)
    largest = min(image.shape[:2])
    scale = [rng.uniform(0.35, min(1.0, 2.2 * size / largest + 0.3)) * largest * 0.95 for _ in range(2)]
    if frames == 1 or rng.random() < 0.3:
        scale[1] = scale[0]
    else:
        scale[1] = scale[0] + max(-0.15, min(0.15, scale[1] / scale[0] - 1)) * scale[0]
        scale[1] = min(scale[1], largest * 0.98)
    travel = [rng.uniform(-1, 1) * 2.5 * frames * scale[0] / size for _ in range(2)]
    x0 = rng.uniform(0, image.shape[1] - scale[0])
    y0 = rng.uniform(0, image.shape[0] - scale[0])
    x1 = min(max(0, x0 + travel[0]), image.shape[1] - scale[1])
    y1 = min(max(0, y0 + travel[1]), image.shape[0] - scale[1])
    clip = []
    for f in range(frames):
        a = f / max(1, frames - 1)
        side, x, y = (1 - a) * scale[0] + a * scale[1], (1 - a) * x0 + a * x1, (1 - a) * y0 + a * y1
        clip.append(np.asarray(source.resize((size, size), Image.BICUBIC, box=(x, y, x + side, y + side),
                                             reducing_gap=2.0)))
    return np.stack(clip)


def toModel(frames: np.ndarray) -> np.ndarray:
    """uint8 [F,H,W,3] to float32 [3,F,H,W] in [-1,1]."""
    return np.ascontiguousarray(frames.transpose(3, 0, 1, 2)).astype(np.float32) / 127.5 - 1.0


class VaeSampler:
    """Random crops for the VAE: single images or short clips, of simulated frames and of photographs."""

    def __init__(self, store: ClipStore, photographs: list[np.ndarray], seed: int, photographShare: float = 0.15):
        self.store, self.photographs, self.share = store, photographs, photographShare
        self.rng = random.Random(seed)

    def one(self, size: int, frames: int) -> np.ndarray:
        """[3,frames,size,size] float32 in [-1,1]."""
        rng = self.rng
        if self.photographs and rng.random() < self.share:
            clip = panPhotograph(rng.choice(self.photographs), frames, size, rng)
        else:
            source = rng.choice(self.store.all())
            video = source.destroyed if rng.random() < 0.8 else source.clean
            total, height, width = video.shape[:3]
            count = min(frames, total)
            start = rng.randint(0, total - count)
            # A bare crop mostly; sometimes a smaller patch enlarged or a larger one reduced, since plates differ in sharpness.
            side = size
            draw = rng.random()
            if draw < 0.2:
                side = max(16, int(size / rng.uniform(1.0, 2.0)))
            elif draw < 0.4:
                side = int(size * rng.uniform(1.0, 2.0))
            side = min(side, height, width)
            y, x = rng.randint(0, height - side), rng.randint(0, width - side)
            clip = resizeFrames(video[start:start + count, y:y + side, x:x + side], (size, size))
            if count < frames:
                clip = np.concatenate([clip, np.repeat(clip[-1:], frames - count, axis=0)])
        clip = toModel(clip)
        if rng.random() < 0.5:
            clip = clip[..., ::-1]
        if frames > 1 and rng.random() < 0.1:
            clip = clip[:, ::-1]
        if rng.random() < 0.5:  # exposure and colour balance
            gain = np.array([rng.uniform(0.7, 1.3) for _ in range(3)], np.float32)
            clip = np.clip((clip + 1) * gain[:, None, None, None] - 1, -1, 1)
        return np.ascontiguousarray(clip, np.float32)

    def batch(self, count: int, size: int, frames: int) -> np.ndarray:
        return np.stack([self.one(size, frames) for _ in range(count)])
