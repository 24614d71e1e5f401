"""Measures a model folder on held-out shots and writes the table as JSON and markdown.

python evaluate.py --model FOLDER --clips HELD_OUT --out results/NAME [--shots 12] [--size 128] [--steps 20]
                   [--classifier RUN/kind.pt]

Held-out: clips of other seeds that no training run reads, photographs left out of the VAE's training. Every figure
says over how many shots it was taken; "+-" is the standard error of the mean over shots.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from common import machineFacts, setDevice
from data import Clip, ClipStore, loadPhotographs, panPhotograph, toModel
from footage.prompts import mirror_prompt
from kind_classifier import describe, halvesDistance, loadClassifier, shrink, wholeClip
from sample import generate, loadPipeline, sheet, outlined, shotOf
from vae import decodeLatent, encodeMean, psnr, useFastConvolutions

UNCHANGED = ("nothing", "cracks")


def meanAndError(values: list[float]) -> str:
    values = [v for v in values if np.isfinite(v)]
    if not values:
        return "not measured"
    error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    return f"{np.mean(values):.3g} +- {error:.2g} (n={len(values)})"


def change(video: np.ndarray, plate: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Mean absolute change against the plate inside the matte, for every frame, in 0..255."""
    difference = np.abs(video.astype(np.float32) - plate.astype(np.float32)).mean(-1)
    inside = mask > 0.5
    return np.array([d[m].mean() if m.any() else 0.0 for d, m in zip(difference, inside)])


def sideOfChange(video: np.ndarray, plate: np.ndarray) -> float:
    """Horizontal centre of the changed mass over the last third of the clip, as a share of the width."""
    last = slice(2 * len(video) // 3, None)
    mass = np.abs(video[last].astype(np.float32) - plate[last]).mean(axis=(0, 1, 3))
    return float((mass * np.arange(len(mass))).sum() / max(mass.sum(), 1e-6) / len(mass))


def quarter(video: np.ndarray) -> torch.Tensor:
    return F.avg_pool2d(torch.from_numpy(video.astype(np.float32)).permute(0, 3, 1, 2), 4)


def lowPsnr(video: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    """PSNR at a quarter of the size inside the matte, peak 255."""
    weight = F.avg_pool2d(torch.from_numpy((mask > 0.5).astype(np.float32))[:, None], 4)
    error = ((quarter(video) - quarter(truth)) ** 2 * weight).sum() / (3 * weight.sum()).clamp_min(1e-6)
    return float(10 * torch.log10(255**2 / error.clamp_min(1e-6)))


def flicker(video: np.ndarray, mask: np.ndarray) -> float:
    """Mean absolute second difference over time inside the matte: what is left of a frame after straight motion of
    brightness. A cheap stand-in for the motion-compensated frame difference."""
    v = video.astype(np.float32)
    second = np.abs(v[2:] - 2 * v[1:-1] + v[:-2]).mean(-1)
    inside = mask[1:-1] > 0.5
    return float(second[inside].mean()) if inside.any() else float("nan")


@torch.no_grad()
def vaeFigures(vae, clips: list[Clip], size: int) -> dict:
    def measure(frames: np.ndarray) -> float:
        video = torch.from_numpy(toModel(frames))[None].to(vae.device)
        return psnr(decodeLatent(vae, encodeMean(vae, video)).clamp(-1, 1), video)

    simulated = [measure(shotOf(c, size)[1]) for c in clips]
    rng = random.Random(3)
    photographs = [measure(panPhotograph(p, 17, 128, rng)) for p in loadPhotographs(True)]
    return {"VAE PSNR, simulated (dB)": meanAndError(simulated), "VAE PSNR, photographs (dB)": meanAndError(photographs)}


class Maker:
    """A model folder's pipeline. What it makes is kept in `folder`, if there is one, under a digest of all that it is made from."""

    def __init__(self, model: Path, device, folder: Path | None):
        self.pipeline, self.folder = loadPipeline(model, device), folder
        self.vae = self.pipeline.vae
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
            self.weights = hashlib.sha256(b"".join(p.read_bytes() for p in sorted(model.rglob("*.safetensors"))))

    def __call__(self, plate: np.ndarray, mask: np.ndarray, prompt: str, **options) -> np.ndarray:
        """As sample.generate."""
        if not self.folder:
            return generate(self.pipeline, plate, mask, prompt, **options)
        digest = self.weights.copy()
        digest.update(json.dumps([prompt, plate.shape, options], sort_keys=True).encode() + plate.tobytes() + mask.tobytes())
        path = self.folder / f"{digest.hexdigest()[:24]}.npz"
        if path.exists():
            return np.load(path)["made"]
        made = generate(self.pipeline, plate, mask, prompt, **options)
        np.savez_compressed(path.with_suffix(".part.npz"), made=made)
        path.with_suffix(".part.npz").rename(path)
        return made


Judged = tuple[Clip, np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # clip, plate, truth, mask, made


def insidePsnr(video: torch.Tensor, plate: torch.Tensor, mask: np.ndarray) -> float:
    """PSNR of [3,F,H,W] in [-1,1] to the plate inside the matte [F,H,W]."""
    return psnr(video, plate, torch.from_numpy((mask > 0.5).astype(np.float32)))


@torch.no_grad()
def keptFigures(maker, plate: np.ndarray, mask: np.ndarray, prompt: str, shown: np.ndarray, **options) -> tuple[float, float]:
    """How near the plate the model's own picture is, where nothing is to change: PSNR in dB inside `shown` (not
    composited), and how much that is over the VAE's own on the same frames. The model can keep no more than the VAE."""
    truth = torch.from_numpy(toModel(plate))
    own = decodeLatent(maker.vae, encodeMean(maker.vae, truth[None].to(maker.vae.device)))[0].clamp(-1, 1).cpu()
    made = torch.from_numpy(toModel(maker(plate, mask, prompt, composite=False, **options)))
    kept = insidePsnr(made, truth, shown)
    return kept, kept - insidePsnr(own, truth, shown)


def photographShots(size: int, frames: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Plates panned over photographs that no part was trained on, each with a box for a matte from the ninth frame on."""
    rng = random.Random(5)
    mask = np.zeros((frames, size, size), np.float32)
    mask[8:, size // 6: size * 5 // 6, size // 5: size * 4 // 5] = 1
    return [(panPhotograph(p, frames, size, rng), mask) for p in loadPhotographs(True)]


def photographFigures(maker, size: int, options: dict) -> tuple[dict[str, str], list]:
    """Photographs as plates. There is no truth of what falls: whether the prompt's side is followed, how much of the
    matte changes (simulated truth beside it in the table), and whether the plate stays where it should."""
    sides, changes, empties, rows = [], [], [], []
    for plate, mask in photographShots(size, 49):
        prompts = ("the building topples to the left", mirror_prompt("the building topples to the left"))
        left, right = (maker(plate, mask, p, seed=2, **options) for p in prompts)
        sides.append(float(sideOfChange(left, plate) < sideOfChange(right, plate)))
        changes += [change(left, plate, mask)[-1], change(right, plate, mask)[-1]]
        whole = np.ones_like(mask)
        empties.append(keptFigures(maker, plate, np.zeros_like(mask), "the building collapses", whole, seed=1, **options)[1])
        rows.append(("photograph: to the left, to the right", [outlined(plate, mask), left, right]))
    return {"photographs as plates: direction follows the prompt (share)": meanAndError(sides),
            "photographs as plates: last frame's change (of 255)": meanAndError(changes),
            "photographs as plates: empty matte, PSNR over the VAE's own (dB)": meanAndError(empties)}, rows


def confusion(true: list[str], named: list[str]) -> dict[str, dict[str, int]]:
    """For every kind how often each kind was named."""
    return {kind: dict(Counter(n for t, n in zip(true, named) if t == kind)) for kind in sorted(set(true))}


def kindFigures(checkpoint: Path | None, judged: list[Judged], clips: list[Clip], device) -> tuple[dict[str, str], dict]:
    """What a classifier names generated clips, beside what it names the truth (the most that can be asked of the model)
    and the plate left as it is (the least); and Frechet distances in its features, see kind_classifier.py.

    The truth is shown within the matte, as the model's answer is: else what the matte leaves out would be counted against
    the model. Clips in which nothing should happen are named too, but have no part in the distance: there the plate is
    the truth. `clips` are all held-out clips, for the classifier's own accuracy. Returns the table's rows and, for the
    JSON, per kind what was named."""
    share, distance = "kind named rightly by a classifier (share): ", "Frechet distance to true clips in its features: "
    if checkpoint is None or not judged:
        return {share + "generated": "not measured", distance + "generated": "not measured"}, {}
    model, kinds = loadClassifier(checkpoint, device)
    sources = {"generated": [wholeClip(plate, made) for _, plate, _, _, made in judged],
               "the truth": [wholeClip(plate, np.where(mask[..., None] > 0.5, truth, plate))
                             for _, plate, truth, mask, _ in judged],
               "the plate stays": [wholeClip(plate, plate) for _, plate, _, _, _ in judged]}
    sources["all held-out truth"] = [wholeClip(small.plate, small.within) for small in map(shrink, clips)]
    true = [clip.kind for clip, *_ in judged]
    moving = [i for i, kind in enumerate(true) if kind != "nothing"]
    rows, tables, features = {}, {}, {}
    for source, inputs in sources.items():
        features[source], numbers = describe(model, inputs)
        asked = [clip.kind for clip in clips] if source == "all held-out truth" else true
        named = [kinds[i] for i in numbers]
        rows[share + source] = meanAndError([float(a == b) for a, b in zip(asked, named)])
        tables[source] = confusion(asked, named)
    half = len(moving) // 2
    for source in ("generated", "the truth", "the plate stays"):
        rows[distance + source] = "not measured" if half < 2 else (
            f"{halvesDistance(features[source][moving], features['the truth'][moving]):.3g} "
            f"(n={half} and {len(moving) - half}, mean of 200 splits)")
    return rows, tables


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="path without suffix; .json, .md and .jpg are written")
    parser.add_argument("--shots", type=int, default=12)
    parser.add_argument("--directions", type=int, default=6, help="shots for the left/right figure")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=3.0)
    parser.add_argument("--classifier", type=Path, help="checkpoint of kind_classifier.py; without it two figures are left out")
    parser.add_argument("--made", type=Path, help="keep here what models make; the next run, with another classifier, takes it from there")
    parser.add_argument("--timing", action="store_true", help="also time 25 frames of 256x256")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    device = setDevice(arguments.device, arguments.threads)
    useFastConvolutions()
    store = ClipStore([arguments.clips])
    store.scan()
    clips = sorted(store.all(), key=lambda c: c.name)
    still = [c for c in clips if c.kind == "nothing"]
    moving = [c for c in clips if c.kind not in UNCHANGED][: arguments.shots]
    maker = Maker(arguments.model, device, arguments.made)
    options = {"steps": arguments.steps, "guidance": arguments.guidance}
    table = vaeFigures(maker.vae, moving[:8], arguments.size)

    ratios, correlations, over, flickers, rows = [], [], [], [], []
    judged: list[Judged] = []
    shots = [(c, *shotOf(c, arguments.size)) for c in moving]
    meanImage = np.mean([t[-1].mean(axis=(0, 1)) for _, _, t, _ in shots], axis=0)
    for clip, plate, truth, mask in shots:
        prompt = clip.meta["prompts"]["en"][0]
        made = maker(plate, mask, prompt, seed=1, **options)
        judged.append((clip, plate, truth, mask, made))
        a, b = change(made, plate, mask), change(truth, plate, mask)
        ratios.append(a[-1] / max(b[-1], 1e-3))
        if a.std() > 1e-6 and b.std() > 1e-6:
            correlations.append(float(np.corrcoef(a, b)[0, 1]))
        flat = np.where(mask[..., None] > 0.5, meanImage[None, None, None], plate).astype(np.float32)
        baseline = max(lowPsnr(plate, truth, mask), lowPsnr(flat, truth, mask))
        over.append(lowPsnr(made, truth, mask) - baseline)
        flickers.append(flicker(made, mask) / max(flicker(truth, mask), 1e-3))
        rows.append((f"{clip.name} {clip.kind}: {prompt}", [outlined(plate, mask), made, truth]))
    table["last frame's change over the truth's"] = meanAndError(ratios)
    table["correlation of the change over time with the truth's"] = meanAndError(correlations)
    table["low-frequency PSNR over the better baseline (dB)"] = meanAndError(over)
    table["flicker over the truth's"] = meanAndError(flickers)

    apart = []
    for clip, plate, truth, mask in [s for s in shots if s[0].kind in ("left", "right", "down")][: arguments.directions]:
        made = [maker(plate, mask, p, seed=2, **options)
                for p in ("the building topples to the left", mirror_prompt("the building topples to the left"))]
        apart.append(sideOfChange(made[1], plate) - sideOfChange(made[0], plate))
    table["direction follows the prompt (share)"] = meanAndError([float(distance > 0) for distance in apart])
    table["how far 'right' moves the change from 'left' (share of the width)"] = meanAndError(apart)

    kept, empty = [], []
    for clip in still[:3]:
        plate, truth, mask = shotOf(clip, arguments.size)
        prompt = clip.meta["prompts"]["en"][0]
        judged.append((clip, plate, truth, mask, maker(plate, mask, prompt, seed=1, **options)))
        kept.append(keptFigures(maker, plate, mask, prompt, mask, seed=1, **options))
    for clip, plate, _, mask in shots[:8]:
        empty.append(keptFigures(maker, plate, np.zeros_like(mask), "the building collapses", np.ones_like(mask), seed=1, **options))
    for name, figures in (("'nothing happens', inside the matte", kept), ("empty matte", empty)):
        table[f"{name}: PSNR to the plate (dB)"] = meanAndError([own for own, _ in figures])
        table[f"{name}: PSNR over the VAE's own on the same frames (dB)"] = meanAndError([over for _, over in figures])
    table["last frame's change of the truth (of 255)"] = meanAndError([change(t, p, m)[-1] for _, p, t, m in shots])
    figures, photographs = photographFigures(maker, arguments.size, options)
    table.update(figures)
    rows += photographs

    if arguments.timing and shots:
        clip = shots[0][0]
        plate, _, mask = shotOf(clip, 256)
        start = time.monotonic()
        generate(maker.pipeline, plate, mask, "the building collapses", seed=1, **options)
        table[f"seconds, {len(plate)} frames of {plate.shape[2]}x{plate.shape[1]}, diffusers"] = f"{time.monotonic() - start:.1f}"

    figures, named = kindFigures(arguments.classifier, judged, clips, device)
    table.update(figures)
    facts = {**machineFacts(), "model": arguments.model.name, "size": arguments.size, "steps": arguments.steps,
             "guidance": arguments.guidance, "kinds": sorted({c.kind for c in moving}), "figures": table, "kinds named": named}
    about = arguments.model / "derrumbe.json"
    if about.exists():
        facts["training"] = json.loads(about.read_text())["training"]
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.with_suffix(".json").write_text(json.dumps(facts, indent=2) + "\n")
    markdown = "| figure | measured |\n|---|---|\n" + "".join(f"| {k} | {v} |\n" for k, v in table.items())
    arguments.out.with_suffix(".md").write_text(markdown)
    sheet(rows, 6, arguments.out.with_suffix(".jpg"), height=96)
    print(markdown)


if __name__ == "__main__":
    main()
