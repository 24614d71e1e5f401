"""Encodes clips into a folder of latents with the trained VAE, several draws a clip; goes on while clips are added.

python encode_latents.py --vae RUN/vae.pt --clips FOLDER [...] --out FOLDER [--draws 3] [--size 128] [--watch]

One draw is a flip, a crop in space and time and a matte form. A file holds float16 arrays: target, inactive, reactive
[z,T,h,w] (raw latents, before normalisation), mask uint8 [F,H,W] and a JSON description with the prompts.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from pathlib import Path

import numpy as np
import torch

from committed import committedVae
from common import averaged, loadCheckpoint, setDevice
from conditioning import drawForm, eventShare, shapeMatte, splitPlate
from data import Clip, hashName, readClip, resizeFrames, toModel
from footage.prompts import mirror_prompt
from vae import encodeMean, encoderSleeps, makeVae, useFastConvolutions, wakeResiduals


def loadVae(path: Path, device) -> torch.nn.Module:
    """The averaged weights of a VAE run (a checkpoint), or those of a model folder, ready to encode and decode."""
    if path.is_dir():
        form, weights = committedVae(path)
    else:
        checkpoint = loadCheckpoint(path)
        form, weights = checkpoint["form"], averaged(checkpoint, "vae")
    vae = makeVae(**form)
    vae.load_state_dict(weights)
    return vae.to(device).eval().requires_grad_(False)


def drawVariant(clip: Clip, size: int, frames: int, rng: random.Random) -> dict:
    """One training sample of a clip: plate, truth, mask and prompts, cropped, flipped and with a drawn matte form."""
    total, height, width = clip.clean.shape[:3]
    count = min(frames, (total - 1) // 4 * 4 + 1)
    latestStart = min(total - count, max(0, clip.onset - 1)) if clip.kind != "nothing" else total - count
    start = rng.randint(0, max(0, latestStart))
    scale = 1.0
    if min(height, width) > size:  # shrink first, so that the building stays in the picture; crop what is left
        scale = max(size / min(height, width), rng.uniform(0.5, 1.0))
    side = (max(size if min(height, width) >= size else 16, round(height * scale)), max(16, round(width * scale)))
    cropHeight = min(side[0] // 16 * 16, size if height == width or min(height, width) > size else side[0] // 16 * 16)
    cropWidth = min(side[1] // 16 * 16, size if height == width or min(height, width) > size else side[1] // 16 * 16)
    y, x = rng.randint(0, side[0] - cropHeight), rng.randint(0, side[1] - cropWidth)
    window = (slice(start, start + count),)
    region = (slice(None), slice(y, y + cropHeight), slice(x, x + cropWidth))
    clean, destroyed, matte = (resizeFrames(a[window], side)[region] for a in (clip.clean, clip.destroyed, clip.matte))
    onset = max(0, clip.onset - start)
    form = drawForm(rng, clip.kind)
    matte = torch.from_numpy(np.ascontiguousarray(matte))
    mask = shapeMatte(matte, form, rng)
    mask[:onset] = 0
    share = eventShare(mask, matte / 255).numpy()[..., None]
    mask = mask.numpy()
    destroyed = np.round(clean + share * (destroyed.astype(np.float32) - clean)).astype(np.uint8)
    prompts = clip.prompts
    if rng.random() < 0.5:
        clean, destroyed, mask = clean[:, :, ::-1], destroyed[:, :, ::-1], mask[:, :, ::-1]
        prompts = [mirror_prompt(p) for p in prompts]
    return {"clean": clean, "destroyed": destroyed, "mask": np.ascontiguousarray(mask), "prompts": prompts,
            "kind": clip.kind, "onset": onset, "form": form}


@torch.no_grad()
def encodeVariant(vae, variant: dict, device) -> dict:
    """Latents of a draw; the target, inactive and reactive videos run as one batch."""
    plate = torch.from_numpy(toModel(variant["clean"]))
    truth = torch.from_numpy(toModel(variant["destroyed"]))
    mask = torch.from_numpy(variant["mask"])
    inactive, reactive = splitPlate(plate, mask)
    latents = encodeMean(vae, torch.stack([truth, inactive, reactive]).to(device)).cpu()
    half = latents.numpy().astype(np.float16)
    return {"target": half[0], "inactive": half[1], "reactive": half[2],
            "mask": np.round(variant["mask"] * 255).astype(np.uint8)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vae", type=Path, required=True, help="a VAE checkpoint, or a model folder")
    parser.add_argument("--clips", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--size", type=int, default=128, help="side of square crops")
    parser.add_argument("--at-least", type=int, default=0, help="skip clips whose shorter side is below this")
    parser.add_argument("--frames", type=int, default=25)
    parser.add_argument("--limit", type=int, default=0, help="stop after this many files")
    parser.add_argument("--watch", action="store_true", help="go on looking for new clips")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    device = setDevice(arguments.device, arguments.threads)
    useFastConvolutions()
    vae = loadVae(arguments.vae, device)
    wakeResiduals(not encoderSleeps(vae))
    arguments.out.mkdir(parents=True, exist_ok=True)
    made = 0
    while True:
        paths = [p for folder in arguments.clips for p in sorted(folder.glob("*.npz"))]
        random.Random(0).shuffle(paths)
        new = 0
        # All first draws before the second ones: variety of clips is worth more than variety of mattes.
        for draw in range(arguments.draws):
            for path in paths:
                target = arguments.out / f"{path.parent.name}_{path.stem}_{arguments.size}_{draw}.npz"
                if target.exists() or time.time() - path.stat().st_mtime < 3:
                    continue
                try:
                    clip = readClip(path)
                except Exception as error:
                    print(f"skipped {path.name}: {error}", flush=True)
                    continue
                if min(clip.clean.shape[1:3]) < arguments.at_least:
                    continue
                rng = random.Random(hashName(target.stem))
                variant = drawVariant(clip, arguments.size, arguments.frames, rng)
                arrays = encodeVariant(vae, variant, device)
                meta = {k: variant[k] for k in ("prompts", "kind", "onset", "form")}
                temporary = target.with_suffix(".part")
                with open(temporary, "wb") as file:
                    np.savez(file, **arrays, meta=json.dumps(meta))
                temporary.rename(target)
                made, new = made + 1, new + 1
                if made % 50 == 0:
                    print(f"{made} files", flush=True)
                if arguments.limit and made >= arguments.limit:
                    return
        if not arguments.watch:
            return
        if not new:
            time.sleep(30)


if __name__ == "__main__":
    main()
