"""Trains a small network that names the kind of a clip, for two figures of evaluate.py. Resumes where it stopped.

python kind_classifier.py --run RUN --clips FOLDER [FOLDER ...] --held HELD_OUT --minutes 8

It sees the plate and the change against it in nine frames. It does not see the matte, whose form alone gives kinds away:
the matte of snow and ash is the whole frame, and a model that leaves the plate as it is would be given their names.

evaluate.py takes the last features before the answer for a Frechet distance. They come from this classifier, learnt on
our own footage, and from no external weights, so that the measure is as rights-clean as the model. Hence the distances
compare only with each other, under one checkpoint: not with published FVD, whose features come from I3D on Kinetics.
The features are learnt from softened clips too, so the distance is about form, tone and time more than about sharpness.

Held-out clips choose nothing here, neither the moment to stop nor a setting: their accuracy is reported as it comes out.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from common import Clock, Ema, Log, loadCheckpoint, saveAtomic, setDevice
from conditioning import shapeMatte
from data import Clip, readClip, resizeFrames
from footage.destruction import KINDS
from footage.prompts import MIRROR

SIDE, FRAMES, SHORTEST = 64, 9, 25


class KindClassifier(nn.Module):
    """Convolutions over each frame, then over time; [B,FRAMES,6,SIDE,SIDE] to one score a kind."""

    def __init__(self, kinds: int, width: int = 24, features: int = 64):
        super().__init__()
        widths = [width, 2 * width, 4 * width, 4 * width]
        # Without normalisation at first: how strong the change is tells cracks from a collapse.
        layers: list[nn.Module] = [nn.Conv2d(6, width, 5, 2, 2), nn.GELU()]
        for a, b in zip(widths, widths[1:]):
            layers += [nn.Conv2d(a, b, 3, 2, 1), nn.GroupNorm(8, b), nn.GELU()]
        self.frame = nn.Sequential(*layers)
        # The 4x4 cells stay apart up to here, since left and right are places.
        self.place = nn.Linear(4 * width * (SIDE // 16) ** 2, 2 * features)
        self.time = nn.Sequential(nn.GELU(), nn.Conv1d(2 * features, 2 * features, 3, padding=1), nn.GELU(),
                                  nn.Conv1d(2 * features, 2 * features, 3, padding=1), nn.GELU())
        self.last = nn.Sequential(nn.Dropout(0.2), nn.Linear(4 * features, features), nn.GELU())
        self.answer = nn.Linear(features, kinds)

    def features(self, video: torch.Tensor) -> torch.Tensor:
        """The layer before the answer, [B,features]."""
        frames = self.place(self.frame(video.flatten(0, 1)).flatten(1)).view(len(video), FRAMES, -1)
        over = self.time(frames.transpose(1, 2))
        return self.last(torch.cat([over.mean(2), over.amax(2)], 1))

    def forward(self, video: torch.Tensor) -> torch.Tensor:
        return self.answer(self.features(video))


@dataclass
class SmallClip:
    """A clip at SIDE, uint8: all that a draw needs, a fourth of the memory."""

    plate: np.ndarray
    truth: np.ndarray
    within: np.ndarray  # the truth within the matte that evaluate.py draws, the plate around it
    kind: str
    onset: int


def shrink(clip: Clip) -> SmallClip:
    plate, truth, matte = (resizeFrames(a, (SIDE, SIDE)) for a in (clip.clean, clip.destroyed, clip.matte))
    mask = shapeMatte(torch.from_numpy(matte), "dilated", random.Random(0)).numpy()
    return SmallClip(plate, truth, np.where(mask[..., None] > 0.5, truth, plate), clip.kind, clip.onset)


def readSmall(folders: list[Path], known: dict[Path, SmallClip]) -> None:
    """Adds the folders' clips that are not in `known` yet; files being written wait for the next time."""
    for path in sorted(p for folder in folders for p in folder.glob("*.npz")):
        if path not in known and time.time() - path.stat().st_mtime > 2:
            known[path] = shrink(readClip(path))


def picks(start: int, count: int) -> np.ndarray:
    return np.linspace(start, start + count - 1, FRAMES).round().astype(int)


def inputOf(plate: np.ndarray, video: np.ndarray) -> torch.Tensor:
    """uint8 [F,H,W,3] twice to the network's input [F,6,H,W]: the plate and what differs from it."""
    plate, video = (torch.from_numpy(a.astype(np.float32) / 255).permute(0, 3, 1, 2) for a in (plate, video))
    return torch.cat([2 * plate - 1, 2 * (video - plate)], 1)


def wholeClip(plate: np.ndarray, video: np.ndarray) -> torch.Tensor:
    """The input of a clip as it is, of any size and length."""
    chosen = picks(0, len(plate))
    return inputOf(*(resizeFrames(a[chosen], (SIDE, SIDE)) for a in (plate, video)))


def softened(frames: np.ndarray, factor: int) -> np.ndarray:
    """uint8 [F,H,W,3] as if it had been smaller by `factor`."""
    _, height, width, _ = frames.shape
    return resizeFrames(resizeFrames(frames, (height // factor, width // factor)), (height, width))


def drawSample(clip: SmallClip, rng: random.Random) -> tuple[torch.Tensor, str]:
    """A window in time, a crop, a flip, another brightness; mostly the truth within a matte, as a model's answer is.

    Any plate is also an example of "nothing", and so is one that is softened within a matte: what a model leaves as it is has been
    through its VAE. Half of the samples are softened, for what a model makes is softer than the truth, and it is to be judged by
    what happens in it."""
    total = len(clip.plate)
    count = rng.randint(min(SHORTEST, total), total)
    # At least half of the window, or all there is, shows the event.
    latest = min(max(0, clip.onset - 1), total - count)
    start = rng.randint(min(max(0, clip.onset - count // 2), latest), latest)
    chosen = picks(start, count)
    plate, kind = clip.plate[chosen], clip.kind
    truth = (clip.truth if rng.random() < 0.3 else clip.within)[chosen]
    still = rng.random()
    if still < 0.08:
        within = (clip.within[chosen] != plate).any(-1, keepdims=True)
        truth, kind = plate if still < 0.03 else np.where(within, softened(plate, rng.choice((2, 4))), plate), "nothing"
    video = inputOf(plate, truth)
    side = rng.randint(SIDE * 13 // 16, SIDE)
    y, x = rng.randint(0, SIDE - side), rng.randint(0, SIDE - side)
    video = F.interpolate(video[..., y:y + side, x:x + side], (SIDE, SIDE), mode="bilinear", align_corners=False)
    if rng.random() < 0.5:
        video, kind = video.flip(-1), MIRROR.get(kind, kind)
    plate, change = video[:, :3], video[:, 3:]
    if rng.random() < 0.5:
        factor = rng.choice((2, 4))
        change = F.interpolate(F.avg_pool2d(change, factor), scale_factor=factor, mode="bilinear", align_corners=False)
    gain = torch.tensor([rng.uniform(0.7, 1.3) * rng.uniform(0.9, 1.1) for _ in range(3)])[:, None, None]
    return torch.cat([(plate + 1) * gain - 1, change * gain], 1), kind


def drawBatch(clips: list[SmallClip], kinds: list[str], count: int, rng: random.Random) -> tuple[torch.Tensor, torch.Tensor]:
    """`count` samples; kinds are drawn by the root of their frequency, so that rare ones are seen but not learnt by heart."""
    numbers = Counter(c.kind for c in clips)
    chosen = rng.choices(clips, [numbers[c.kind] ** -0.5 for c in clips], k=count)
    videos, names = zip(*(drawSample(c, rng) for c in chosen))
    return torch.stack(videos), torch.tensor([kinds.index(n) for n in names])


def loadClassifier(path: Path, device: torch.device | str = "cpu") -> tuple[KindClassifier, list[str]]:
    """The averaged weights of a run, and the names of its answers."""
    checkpoint = loadCheckpoint(path)
    model = KindClassifier(**checkpoint["form"])
    model.load_state_dict({k.removeprefix("classifier."): v for k, v in checkpoint["ema"]["shadow"].items()})
    return model.to(device).eval().requires_grad_(False), checkpoint["kinds"]


@torch.no_grad()
def describe(model: KindClassifier, videos: list[torch.Tensor]) -> tuple[np.ndarray, np.ndarray]:
    """Features [N,features] and the numbers of the kinds named [N], of inputs as wholeClip makes them."""
    device = next(model.parameters()).device
    features = torch.cat([model.features(v[None].to(device)) for v in videos])
    return features.cpu().numpy(), model.answer(features).argmax(1).cpu().numpy()


def frechetDistance(a: np.ndarray, b: np.ndarray) -> float:
    """Squared Frechet distance of Gaussians fitted to the rows of a and b, with diagonal covariances: a dozen clips give
    no covariance of 64 features. Correlations between features are therefore not compared."""
    spread = a.std(0, ddof=1) - b.std(0, ddof=1)
    return float(np.square(a.mean(0) - b.mean(0)).sum() + np.square(spread).sum())


def halvesDistance(made: np.ndarray, truth: np.ndarray, splits: int = 200) -> float:
    """Mean distance between what was made of one half of the shots and the truth of the other half, over random splits.

    Row i of both is the same shot. Few clips bias the distance upwards; with truth in the place of `made` the same
    splits give the floor, with the same bias. Halves that share no shot, because plates in common would flatter. A
    distance below the floor is not better than the truth: sets that vary less also differ less by chance."""
    rng = np.random.default_rng(0)
    half = len(truth) // 2
    orders = (rng.permutation(len(truth)) for _ in range(splits))
    return float(np.mean([frechetDistance(made[o[:half]], truth[o[half:]]) for o in orders]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--clips", type=Path, nargs="+", required=True)
    parser.add_argument("--held", type=Path, required=True, help="clips of seeds that --clips does not hold")
    parser.add_argument("--minutes", type=float, default=8, help="trained time over all runs")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--save-seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    device = setDevice(arguments.device, arguments.threads)
    torch.manual_seed(arguments.seed)
    log = Log(arguments.run / "log.jsonl")
    path = arguments.run / "kind.pt"
    checkpoint = loadCheckpoint(path)
    kinds = checkpoint["kinds"] if checkpoint else list(KINDS)
    form = checkpoint["form"] if checkpoint else {"kinds": len(kinds)}
    step, before = (checkpoint["step"], checkpoint["seconds"]) if checkpoint else (0, 0.0)
    model = KindClassifier(**form).to(device)
    optimiser = torch.optim.AdamW(model.parameters(), lr=arguments.rate, weight_decay=0.05)
    ema = Ema({"classifier": model}, 0.99)
    if checkpoint:
        model.load_state_dict(checkpoint["classifier"])
        optimiser.load_state_dict(checkpoint["optimiser"])
        ema.load(checkpoint["ema"])

    clips: dict[Path, SmallClip] = {}
    held: dict[Path, SmallClip] = {}
    readSmall(arguments.clips, clips)
    readSmall([arguments.held], held)
    heldInputs = [wholeClip(c.plate, c.within) for c in held.values()]
    heldKinds = np.array([kinds.index(c.kind) for c in held.values()])
    rng = random.Random(arguments.seed + step)
    log(event="start", step=step, seconds=before, clips=len(clips), held=len(held),
        kinds=dict(Counter(c.kind for c in clips.values())), parameters=sum(p.numel() for p in model.parameters()))
    clock = Clock(before, device.type)
    lastSave = time.monotonic()
    losses: list[float] = []
    hits: list[float] = []

    def save(**more) -> None:
        saveAtomic({"classifier": model.state_dict(), "optimiser": optimiser.state_dict(), "ema": ema.state(),
                    "step": step, "seconds": clock.seconds(), "form": form, "kinds": kinds}, path)
        named = describe(loadClassifier(path, device)[0], heldInputs)[1]
        log(step=step, seconds=clock.seconds(), loss=float(np.mean(losses)), accuracy_drawn=float(np.mean(hits)),
            accuracy_held=float((named == heldKinds).mean()), held=len(held), **more)

    while (share := clock.seconds() / (60 * arguments.minutes)) < 1:
        for group in optimiser.param_groups:
            group["lr"] = arguments.rate * min(1.0, (step + 1) / 50) * max(0.02, min(1.0, 2 * (1 - share)))
        videos, names = drawBatch(list(clips.values()), kinds, arguments.batch, rng)
        scores = model(videos.to(device))
        loss = F.cross_entropy(scores, names.to(device), label_smoothing=0.1)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        step += 1
        ema.update({"classifier": model})
        losses.append(float(loss.detach()))
        hits.append(float((scores.argmax(1).cpu() == names).float().mean()))
        if time.monotonic() - lastSave > arguments.save_seconds:
            save()
            losses.clear(), hits.clear()
            readSmall(arguments.clips, clips)
            lastSave = time.monotonic()
    if losses:
        save(event="end")


if __name__ == "__main__":
    main()
