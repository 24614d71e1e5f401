"""Measures a model folder on held-out shots and writes the table as JSON and markdown.

python evaluate.py --model FOLDER --clips HELD_OUT --out results/NAME [--shots 12] [--size 128] [--steps 20]

Held-out: clips of other seeds that no training run reads, photographs left out of the VAE's training. Every figure
says over how many shots it was taken; "+-" is the standard error of the mean over shots.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from common import machineFacts, setDevice
from data import Clip, ClipStore, loadPhotographs, panPhotograph, toModel
from footage.prompts import mirror_prompt
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
        video = torch.from_numpy(toModel(frames))[None]
        return psnr(decodeLatent(vae, encodeMean(vae, video)).clamp(-1, 1), video)

    simulated = [measure(shotOf(c, size)[1]) for c in clips]
    rng = random.Random(3)
    photographs = [measure(panPhotograph(p, 17, 128, rng)) for p in loadPhotographs(True)]
    return {"VAE PSNR, simulated (dB)": meanAndError(simulated), "VAE PSNR, photographs (dB)": meanAndError(photographs)}


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
    pipeline = loadPipeline(arguments.model, device)
    options = {"steps": arguments.steps, "guidance": arguments.guidance}
    table = vaeFigures(pipeline.vae, moving[:8], arguments.size)

    ratios, correlations, over, flickers, rows = [], [], [], [], []
    shots = [(c, *shotOf(c, arguments.size)) for c in moving]
    meanImage = np.mean([t[-1].mean(axis=(0, 1)) for _, _, t, _ in shots], axis=0)
    for clip, plate, truth, mask in shots:
        prompt = clip.meta["prompts"]["en"][0]
        made = generate(pipeline, plate, mask, prompt, seed=1, **options)
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

    right = []
    for clip, plate, truth, mask in [s for s in shots if s[0].kind in ("left", "right", "down")][: arguments.directions]:
        made = [generate(pipeline, plate, mask, p, seed=2, **options)
                for p in ("the building topples to the left", mirror_prompt("the building topples to the left"))]
        right.append(float(sideOfChange(made[0], plate) < sideOfChange(made[1], plate)))
    table["direction follows the prompt (share)"] = meanAndError(right)

    kept, empty = [], []
    for clip in still[:3]:
        plate, _, mask = shotOf(clip, arguments.size)
        made = generate(pipeline, plate, mask, clip.meta["prompts"]["en"][0], seed=1, **options)
        kept.append(psnr(torch.from_numpy(toModel(made)), torch.from_numpy(toModel(plate))))
    for clip, plate, _, mask in shots[:2]:
        made = generate(pipeline, plate, np.zeros_like(mask), "the building collapses", seed=1, composite=False, **options)
        empty.append(psnr(torch.from_numpy(toModel(made)), torch.from_numpy(toModel(plate))))
    table["'nothing happens': PSNR to the plate (dB)"] = meanAndError(kept)
    table["empty matte, not composited: PSNR to the plate (dB)"] = meanAndError(empty)

    if arguments.timing and shots:
        clip = shots[0][0]
        plate, _, mask = shotOf(clip, 256)
        start = time.monotonic()
        generate(pipeline, plate, mask, "the building collapses", seed=1, **options)
        table[f"seconds, {len(plate)} frames of {plate.shape[2]}x{plate.shape[1]}, diffusers"] = f"{time.monotonic() - start:.1f}"

    table["kind named by a classifier; Frechet distance"] = "not measured yet"
    facts = {**machineFacts(), "model": arguments.model.name, "size": arguments.size, "steps": arguments.steps,
             "guidance": arguments.guidance, "kinds": sorted({c.kind for c in moving}), "figures": table}
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
