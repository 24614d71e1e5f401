"""Command line of the footage generator: many clips, resumable, one process a worker."""

import argparse
import multiprocessing
import os
import re
import sys
import time

import numpy as np

from .destruction import KINDS

# "mixed": mostly small squares, some 256 pixels wide, some portrait and landscape.
MIXED = (
    (128, 128),
    (128, 128),
    (128, 128),
    (256, 256),
    (128, 128),
    (160, 96),
    (128, 128),
    (256, 256),
    (96, 160),
    (128, 128),
    (160, 160),
    (256, 256),
)


def sizeOf(text, seed):
    if text == "mixed":
        return MIXED[seed % len(MIXED)]
    parts = [int(p) for p in re.split("x", text)]
    width, height = parts if len(parts) == 2 else parts * 2
    if width % 16 or height % 16:
        raise SystemExit(f"--size {text}: width and height must be multiples of 16")
    return width, height


def produce(job):
    """Makes one clip unless its file exists; returns (seed, kind, seconds)."""
    from .clip import makeClip, saveArrays

    path, seed, options = job
    if os.path.exists(path):
        return seed, "exists", 0.0
    began = time.perf_counter()
    width, height = sizeOf(options.size, seed)
    clip = makeClip(
        seed, options.kind, width, height, options.frames, options.split, options.samples
    )
    temporary = f"{path}.{os.getpid()}.part"
    with open(temporary, "wb") as file:
        np.savez(file, **saveArrays(clip))
    os.replace(temporary, path)
    return seed, clip["meta"]["kind"], time.perf_counter() - began


def writeSheet(paths, output, columns=6):
    """A contact sheet: for each clip a row of clean frames' first, destroyed frames, the matte."""
    import json

    from PIL import Image, ImageDraw

    rows, texts = [], []
    for path in paths:
        with np.load(path) as clip:
            meta = json.loads(str(clip["meta"]))
            n, h, w = clip["matte"].shape
            pick = np.linspace(max(0, meta["onset"] - 1), n - 1, columns).astype(int)
            tiles = (
                [clip["clean"][n - 1]]
                + list(clip["destroyed"][pick])
                + [np.repeat(clip["matte"][n - 1][..., None], 3, 2)]
            )
        tiles = [
            np.asarray(
                Image.fromarray(t).resize(
                    (192 * w // max(w, h), 192 * h // max(w, h)), Image.BICUBIC
                )
            )
            for t in tiles
        ]
        row = np.zeros((192, 192 * len(tiles), 3), np.uint8)
        for k, t in enumerate(tiles):
            row[: t.shape[0], 192 * k : 192 * k + t.shape[1]] = t
        rows.append(row)
        texts.append(
            f"{meta['seed']} {meta['kind']} {meta['direction']} {meta['time_of_day']} {meta['camera']} dust {meta['dust']} "
            f"onset {meta['onset']} {meta['speed']} {meta['building']['style']}: {meta['prompts']['en'][0]}"
        )
    image = Image.fromarray(np.concatenate(rows))
    draw = ImageDraw.Draw(image)
    for k, text in enumerate(texts):
        draw.text((4, 192 * k + 2), text, fill=(255, 255, 0))
    image.save(output)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="make_footage", description=__doc__)
    parser.add_argument(
        "--out", required=True, help="root folder; clips go to OUT/SPLIT/fast_SEED.npz"
    )
    parser.add_argument("--split", choices=("train", "held_out"), default="train")
    parser.add_argument("--seed", type=int, default=1, help="first seed")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--size", default="128", help="128, WxH (multiples of 16), or mixed")
    parser.add_argument("--frames", type=int, default=25)
    parser.add_argument("--kind", choices=KINDS + ("any",), default="any")
    parser.add_argument("--samples", type=int, default=2, help="samples along a pixel's side")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--sheet", help="write a contact sheet (PNG) of the clips")
    options = parser.parse_args(arguments)
    folder = os.path.join(options.out, options.split)
    os.makedirs(folder, exist_ok=True)
    if options.frames < 8:
        parser.error("--frames must be at least 8")
    sizeOf(options.size, 0)
    jobs = [
        (os.path.join(folder, f"fast_{seed}.npz"), seed, options)
        for seed in range(options.seed, options.seed + options.count)
    ]
    began, made = time.perf_counter(), 0
    if options.workers > 1:
        context = multiprocessing.get_context("spawn")
        with context.Pool(options.workers) as pool:
            results = pool.imap_unordered(produce, jobs)
            made = _report(results, len(jobs), began)
    else:
        made = _report(map(produce, jobs), len(jobs), began)
    print(f"{made} clips made, {len(jobs) - made} were there, {time.perf_counter() - began:.1f} s")
    if options.sheet:
        writeSheet([j[0] for j in jobs], options.sheet)
    return 0


def _report(results, total, began):
    made = 0
    for index, (seed, kind, seconds) in enumerate(results):
        if kind != "exists":
            made += 1
            print(f"{index + 1}/{total} seed {seed} {kind} {seconds:.2f} s", flush=True)
    return made


if __name__ == "__main__":
    sys.exit(main())
