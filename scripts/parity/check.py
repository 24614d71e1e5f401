#!/usr/bin/env python3
"""Does the binary make the pictures that diffusers makes?

    check.py --model DIR --seed N        renders a small random shot with the binary, float32 on the CPU, replays it in
                                         diffusers' pipeline of the folder from the same noise, and prints the differences
    check.py --random N [--seed FIRST]   the same for N fresh folders of random sizes and weights

The shot's plate, matte, onset, prompts, steps, guidance, shift and sampler are drawn from the seed. Exit code 0 where every
difference is within its limit, else 1.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import sentencepiece as spm
import torch
from PIL import Image
from safetensors.torch import load_file

from prompts import CHINESE, ENGLISH, PORTUGUESE, SPANISH
from random_model import make_model
from replay import load_pipeline, replay

ROOT = Path(__file__).resolve().parents[2]
# Largest absolute difference; latents are of order one, the video is in [-1, 1].
LIMITS = {"prompt_embeds": 1e-4, "negative_prompt_embeds": 1e-4, "image_embeds": 1e-4, "conditioning": 1e-4, "timesteps": 1e-3,
          "latents": 2e-3, "video": 2e-3}


def known_prompts(model: Path) -> list:
    """Prompts without a character that the vocabulary lacks: transformers 5 numbers <unk> otherwise than the file."""
    processor = spm.SentencePieceProcessor(model_file=str(model / "tokenizer/spiece.model"))
    known = [text for text in ENGLISH + SPANISH + PORTUGUESE + CHINESE
             if not any(processor.is_unknown(piece) or processor.is_byte(piece) for piece in processor.encode(text))]
    return known or [""]


def random_picture(draw: np.random.Generator, width: int, height: int) -> Image.Image:
    """A smooth picture with an edge or two, which says more than white noise."""
    small = Image.fromarray(draw.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    picture = np.asarray(small.resize((width, height), Image.BICUBIC)).copy()
    x, y = draw.integers(0, width), draw.integers(0, height)
    picture[y : y + height // 3, x : x + width // 4] = draw.integers(0, 256, 3)
    return Image.fromarray(picture)


def make_shot(folder: Path, model: Path, seed: int, references: int | None) -> dict:
    """Plates, mattes and shot.yaml in `folder`; returns what a replay must know."""
    choose = random.Random(seed)
    draw = np.random.default_rng(seed)
    description = {}
    if (model / "derrumbe.json").exists():
        description = json.loads((model / "derrumbe.json").read_text())
    width, height = choose.choice([(96, 64), (70, 90), (120, 68)])
    frames = choose.choice([1, 2, 5, 7, 9])
    onset = 1001 + choose.randint(0, frames // 2)
    box = (choose.randint(0, width // 3), choose.randint(0, height // 3),
           choose.randint(width // 2, width - 1), choose.randint(height // 2, height - 1))
    (folder / "plates").mkdir()
    base = random_picture(draw, width + 2 * frames, height)
    for frame in range(frames):  # the camera pans
        base.crop((2 * frame, 0, 2 * frame + width, height)).save(folder / f"plates/plate.{1001 + frame}.png")
    matte = Image.new("L", (width, height))
    matte.paste(255, box)
    matte.save(folder / "plates/matte.png")
    count = choose.choice([0, 0, 1, 2]) if references is None else references
    # diffusers 0.42.1 pads the mask by slicing it (prepare_masks): it fails with more references than latent frames.
    count = min(count, (frames + 3) // 4)
    for index in range(count):
        random_picture(draw, choose.randint(30, 90), choose.randint(30, 90)).save(folder / f"plates/reference{index}.png")
    prompts = known_prompts(model)
    fill = choose.choice(["plate", "grey"])
    sampler = {"scheduler": choose.choice(["unipc", "unipc", "euler"]), "steps": choose.randint(1, 6),
               "guidance": choose.choice([1.0, 2.5, 5.0]), "shift": choose.choice([1.0, 3.0, 5.0]), "seed": seed}
    index = json.loads((model / "model_index.json").read_text())
    if index["_class_name"] != "WanVACEPipeline":
        count = 0  # without VACE layers a model takes no references
    boundary = index.get("boundary_ratio")
    if boundary:  # diffusers guides neither expert where the first one's guidance is 1
        sampler["guidance_2"] = choose.choice([1.0, 2.5, 4.0]) if sampler["guidance"] > 1 else 1.0
    guides = []
    if index["_class_name"] == "WanVACEPipeline" and choose.random() < 0.5:
        random_picture(draw, width, height).save(folder / "plates/guide.png")
        guides = [{"type": choose.choice(["previz", "depth"]), "path": "plates/guide.png",
                   "strength": choose.choice([0.5, 1.0, 1.5])}]
    shot = {
        "version": 1, "shot": {"show": "parity", "name": f"seed_{seed}", "take": 1}, "frames": f"1001-{1000 + frames}",
        "plate": {"path": "plates/plate.####.png"}, "matte": {"path": "plates/matte.png"},
        "prompt": choose.choice(prompts), "negative_prompt": choose.choice(["", *prompts]), "onset": onset,
        "references": [f"plates/reference{index}.png" for index in range(count)], "guides": guides,
        "model": {"path": str(model.resolve()), "dtype": "float32"}, "sampler": sampler, "region": "full",
        "matte_fill": fill, "output": {"path": "renders/out.####.exr"}, "provenance": {"path": "renders/log.json"},
    }
    if not description:
        print("  no derrumbe.json: the family's working size is used, which takes its time")
    (folder / "shot.yaml").write_text(json.dumps(shot, indent=1, ensure_ascii=False), encoding="utf-8")  # YAML holds JSON
    # Guides lie over what fills the matte: the dump's video holds both.
    return {"prompt": shot["prompt"], "negative_prompt": shot["negative_prompt"], "guides": guides,
            "keep_reactive": fill == "plate" or bool(guides),
            "conditioning_scale": max([1.0, *(guide["strength"] for guide in guides)]), **sampler}


def check(binary: Path, model: Path, seed: int, keep: Path | None, references: int | None) -> bool:
    """One shot rendered and replayed; prints a line a tensor."""
    with tempfile.TemporaryDirectory(prefix="derrumbe_parity_") as temporary:
        folder = Path(keep or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        shot = make_shot(folder, model, seed, references)
        dump_file = folder / "dump.safetensors"
        command = [str(binary), "render", str(folder / "shot.yaml"), "--device", "cpu", "--progress", "none", "--overwrite",
                   "--dump-tensors", str(dump_file)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            print(f"  the render failed with {done.returncode}:\n{done.stderr}")
            return False
        dump = load_file(str(dump_file))
        pipe = load_pipeline(model, shot["scheduler"], shot["shift"])
        theirs = replay(pipe, dump, shot)
    frames, height, width = dump["video"].shape[2:]
    print(f"  {frames} frames of {width}x{height}, {dump['noise'].shape[2] - dump['latents'].shape[2]} references, "
          f"{shot['scheduler']} {shot['steps']} steps, guidance {shot['guidance']}, shift {shot['shift']}"
          + (f", two experts, guidance_2 {shot['guidance_2']}" if "guidance_2" in shot else "")
          + "".join(f", {guide['type']} guide at {guide['strength']}" for guide in shot["guides"]))
    passed = True
    for name, limit in LIMITS.items():
        if name not in theirs or name not in dump:
            expected = name == "negative_prompt_embeds" and shot["guidance"] <= 1
            if not expected:
                print(f"  {name:24} not compared: {'the render' if name not in dump else 'the replay'} has none")
                passed = passed and name == "conditioning"
            continue
        ours, other = dump[name].double(), theirs[name].double()
        if ours.shape != other.shape:
            print(f"  {name:24} FAILED: shape {list(ours.shape)} against {list(other.shape)}")
            passed = False
            continue
        worst = (ours - other).abs().max().item()
        good = worst <= limit  # false for NaN
        passed = passed and good
        print(f"  {name:24} {'ok    ' if good else 'FAILED'} max {worst:.2e}, mean {(ours - other).abs().mean().item():.2e} "
              f"(limit {limit:.0e}; values up to {other.abs().max().item():.2f})")
    return passed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="a model folder in diffusers' layout")
    parser.add_argument("--seed", type=int, default=1, help="of the shot, and of the first random folder")
    parser.add_argument("--random", type=int, default=0, metavar="N", help="make N random folders and check each")
    parser.add_argument("--references", type=int, help="reference images, 0 to 3 (default: drawn)")
    parser.add_argument("--binary", type=Path, default=ROOT / "build/release/derrumbe")
    parser.add_argument("--keep", type=Path, help="leave the shot, its render and the tensors in this folder")
    arguments = parser.parse_args()
    if not arguments.model and not arguments.random:
        parser.error("--model DIR or --random N")
    if not os.access(arguments.binary, os.X_OK):
        parser.error(f"{arguments.binary} is not there: build it, or give --binary")
    warnings.filterwarnings("ignore")
    failed = []
    if arguments.model:
        print(f"{arguments.model}, seed {arguments.seed}")
        if not check(arguments.binary, arguments.model, arguments.seed, arguments.keep, arguments.references):
            failed.append(arguments.seed)
    for seed in range(arguments.seed, arguments.seed + arguments.random):
        with tempfile.TemporaryDirectory(prefix="derrumbe_model_") as temporary:
            sizes = make_model(Path(temporary), seed)
            form = "residual" if sizes["vae"]["is_residual"] else "plain"
            kind = next((name for name in ("text_to_video", "image_to_video") if sizes.get(name)), "VACE")
            kind += ", an image encoder" if sizes.get("image_to_video") and sizes["image_encoder"] else ""
            kind += ", a pair" if sizes["boundary"] else ""
            print(f"random folder, seed {seed}: {form} VAE, {sizes['transformer']['num_layers']} layers, {kind}")
            keep = arguments.keep / str(seed) if arguments.keep else None
            if not check(arguments.binary, Path(temporary), seed, keep, arguments.references):
                failed.append(seed)
    print("all within limits" if not failed else f"FAILED for seeds {failed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    sys.exit(main())
