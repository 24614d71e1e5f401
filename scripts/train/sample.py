"""Renders held-out clips with diffusers' own pipeline into a contact sheet, to be looked at.

python sample.py --model FOLDER --clips FOLDER --out sheet.png [--count 4] [--steps 12]
python sample.py --vae RUN/vae.pt --clips FOLDER --out sheet.png      (reconstructions only)

Rows of each clip: the plate with the matte drawn on it, what the model made (composited in the matte), the truth.
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from common import halfPrecision, setDevice
from conditioning import shapeMatte
from data import Clip, ClipStore, resizeFrames, toModel
from encode_latents import loadVae
from vae import decodeLatent, encodeMean, psnr, useFastConvolutions


def loadPipeline(folder: Path, device, dtype=torch.float32):
    """The model folder in diffusers, with the one attribute that has to be set by hand."""
    from diffusers import WanVACEPipeline

    pipeline = WanVACEPipeline.from_pretrained(folder, torch_dtype=dtype).to(device)
    pipeline.vae_scale_factor_spatial = pipeline.vae.config.scale_factor_spatial
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@torch.no_grad()
def generate(pipeline, plate: np.ndarray, mask: np.ndarray, prompt: str, steps: int, guidance: float, seed: int,
             fill: str = "plate", composite: bool = True) -> np.ndarray:
    """uint8 [F,H,W,3] made from a plate uint8 [F,H,W,3] and a mask float [F,H,W]; outside the mask it is the plate."""
    video = torch.from_numpy(plate.astype(np.float32) / 255).permute(0, 3, 1, 2)
    matte = torch.from_numpy(mask)[:, None].expand(-1, 3, -1, -1).contiguous()
    if fill == "grey":
        video = torch.where(matte > 0.5, torch.full_like(video, 0.5), video)
    frames, _, height, width = video.shape
    device = pipeline._execution_device
    with halfPrecision(device, enabled=False):
        made = pipeline(video=[video], mask=[matte], prompt=prompt, negative_prompt="", height=height, width=width,
                        num_frames=frames, num_inference_steps=steps, guidance_scale=guidance, output_type="np",
                        generator=torch.Generator("cpu").manual_seed(seed)).frames[0]
    made = np.round(np.clip(made, 0, 1) * 255).astype(np.uint8)
    if composite:
        made = np.where(mask[..., None] > 0.5, made, plate)
    return made


def shotOf(clip: Clip, size: int | None = None, form: str = "dilated", seed: int = 0) -> tuple[np.ndarray, ...]:
    """Plate, truth and mask of a whole clip at multiples of 16 and 4k+1 frames; size = the shorter side, or as it is."""
    height, width = clip.clean.shape[1:3]
    scale = 1.0 if size is None else size / min(height, width)
    target = (round(height * scale) // 16 * 16, round(width * scale) // 16 * 16)
    frames = (len(clip.clean) - 1) // 4 * 4 + 1
    plate, truth, matte = (resizeFrames(a[:frames], target) for a in (clip.clean, clip.destroyed, clip.matte))
    mask = shapeMatte(torch.from_numpy(matte), form, random.Random(seed)).numpy()
    mask[: clip.onset] = 0
    return plate, truth, mask


def outlined(plate: np.ndarray, mask: np.ndarray) -> np.ndarray:
    out = plate.copy()
    inside = mask > 0.5
    edge = inside & ~(np.roll(inside, 1, 1) & np.roll(inside, -1, 1) & np.roll(inside, 1, 2) & np.roll(inside, -1, 2))
    out[edge] = (255, 40, 40)
    return out


def sheet(rows: list[tuple[str, list[np.ndarray]]], picks: int, path: Path, height: int = 128) -> None:
    """A picture with one caption and some strips of `picks` frames a row."""
    strips = []
    for caption, videos in rows:
        count = len(videos[0])
        chosen = np.linspace(0, count - 1, picks).round().astype(int)
        width = round(videos[0].shape[2] * height / videos[0].shape[1])
        block = np.concatenate([np.concatenate(list(resizeFrames(v[chosen], (height, width))), 1) for v in videos], 0)
        image = Image.new("RGB", (block.shape[1], block.shape[0] + 14), "white")
        image.paste(Image.fromarray(block), (0, 14))
        ImageDraw.Draw(image).text((2, 1), caption[:160], fill="black")
        strips.append(image)
    full = Image.new("RGB", (max(s.width for s in strips), sum(s.height for s in strips)), "white")
    y = 0
    for strip in strips:
        full.paste(strip, (0, y))
        y += strip.height
    full.save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--vae", type=Path)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--kinds", nargs="*", help="only these kinds")
    parser.add_argument("--size", type=int, help="shorter side")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--guidance", type=float, default=3.0)
    parser.add_argument("--fill", choices=["plate", "grey"], default="plate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picks", type=int, default=7)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    device = setDevice(arguments.device, arguments.threads)
    store = ClipStore([arguments.clips])
    store.scan(atLeast=None if arguments.kinds else arguments.skip + arguments.count)
    clips = [c for c in store.all() if not arguments.kinds or c.kind in arguments.kinds]
    clips = clips[arguments.skip:arguments.skip + arguments.count]
    rows = []
    useFastConvolutions()
    pipeline = loadPipeline(arguments.model, device) if arguments.model else None
    vae = loadVae(arguments.vae, device) if arguments.vae else None
    for clip in clips:
        plate, truth, mask = shotOf(clip, arguments.size)
        prompt = clip.meta["prompts"]["en"][0]
        start = time.monotonic()
        if pipeline:
            made = generate(pipeline, plate, mask, prompt, arguments.steps, arguments.guidance, arguments.seed,
                            arguments.fill)
        else:
            with torch.no_grad(), halfPrecision(device):
                video = torch.from_numpy(toModel(truth))[None].to(device)
                back = decodeLatent(vae, encodeMean(vae, video)).float().clamp(-1, 1)
            print(f"{clip.name} {psnr(back, video):.2f} dB", flush=True)
            made = np.round((back[0].permute(1, 2, 3, 0).cpu().numpy() + 1) * 127.5).astype(np.uint8)
        print(f"{clip.name} {clip.kind}: {time.monotonic() - start:.1f} s", flush=True)
        rows.append((f"{clip.name} {clip.kind}: {prompt}", [outlined(plate, mask), made, truth]))
    sheet(rows, arguments.picks, arguments.out)


if __name__ == "__main__":
    main()
