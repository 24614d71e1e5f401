"""Command line of the physical tier: clips by Blender, one after the other, resumable.

Raw frames of the clip in work are kept in OUT/SPLIT/physical_SEED.raw until it is done, so that a run that was stopped in the
middle of a clip goes on with the frames that are there.
"""

import argparse
import filecmp
import os
import shutil
import sys
import time

import numpy as np

from footage.__main__ import sizeOf, writeSheet

from .blender import MISSING, findBlender, run
from .plan import KINDS


def processorSeconds():
    """Of this process and of the ones that it waited for."""
    return sum(os.times()[:4])


def produce(command, path, seed, options):
    """Makes one clip; returns its kind and the seconds of planning, simulation, rendering and finishing."""
    from footage.clip import saveArrays

    from .dustgrid import writeDust
    from .finish import finishClip
    from .plan import drawClip
    from .scene import writeScene

    marks = [time.perf_counter()]
    raw = path.removesuffix(".npz") + ".raw"
    os.makedirs(raw, exist_ok=True)
    scene, motion = os.path.join(raw, "scene.npz"), os.path.join(raw, "motion.npz")
    width, height = sizeOf(options.size, seed)
    clip = drawClip(seed, options.kind, width, height, options.frames, options.split)
    fresh = os.path.join(raw, "new.npz")
    writeScene(clip, fresh, options.samples, options.shutter)
    if os.path.exists(scene) and not filecmp.cmp(scene, fresh, shallow=False):
        for name in set(os.listdir(raw)) - {"new.npz"}:  # of a run with other options
            os.remove(os.path.join(raw, name))
    os.replace(fresh, scene)
    marks.append(time.perf_counter())
    moves = clip.meta["kind"] != "nothing"
    if moves and not os.path.exists(motion):
        part = os.path.join(raw, "part.npz")
        run(command, "simulate.py", scene, part, threads=1)  # with more its results may vary
        os.replace(part, motion)
    if moves:
        writeDust(clip, motion, raw)
    marks.append(time.perf_counter())
    run(command, "render.py", scene, motion, raw, options.threads)
    marks.append(time.perf_counter())
    arrays = saveArrays(finishClip(clip, raw))
    with open(path + ".part", "wb") as file:
        np.savez(file, **arrays)
    os.replace(path + ".part", path)
    shutil.rmtree(raw)
    marks.append(time.perf_counter())
    return clip.meta["kind"], np.diff(marks)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="make_footage --tier physical", description=__doc__)
    parser.add_argument("--out", required=True, help="root folder; clips go to OUT/SPLIT/physical_SEED.npz")
    parser.add_argument("--split", choices=("train", "held_out"), default="train")
    parser.add_argument("--seed", type=int, default=1, help="first seed")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--size", default="128", help="128, WxH (multiples of 16), or mixed")
    parser.add_argument("--frames", type=int, default=49)
    parser.add_argument("--kind", choices=(*KINDS, "any"), default="any")
    parser.add_argument("--samples", type=int, default=12, help="paths a pixel, before the denoiser")
    parser.add_argument("--shutter", type=float, default=0.5, help="share of a frame that what falls is blurred over")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--blender", help="a blender, or a python with the module bpy; found by itself on the PATH")
    parser.add_argument("--sheet", help="write a contact sheet (PNG) of the clips")
    options = parser.parse_args(arguments)
    if options.frames < 8:
        parser.error("--frames must be at least 8")
    sizeOf(options.size, 0)
    command = findBlender(options.blender)
    if command is None:
        parser.error(MISSING)
    folder = os.path.abspath(os.path.join(options.out, options.split))
    os.makedirs(folder, exist_ok=True)
    paths, made, began, worked = [], 0, time.perf_counter(), processorSeconds()
    for seed in range(options.seed, options.seed + options.count):
        paths.append(os.path.join(folder, f"physical_{seed}.npz"))
        if os.path.exists(paths[-1]):
            continue
        try:
            kind, took = produce(command, paths[-1], seed, options)
        except RuntimeError as error:
            raise SystemExit(f"seed {seed}: {error}") from error
        made += 1
        stages = ", ".join(f"{n} {t:.1f}" for n, t in zip(("plan", "simulate", "render", "finish"), took))
        before, worked = worked, processorSeconds()
        print(
            f"{len(paths)}/{options.count} seed {seed} {kind} {took.sum():.1f} s ({stages}), {worked - before:.0f} s of processor time",
            flush=True,
        )
    print(f"{made} clips made, {len(paths) - made} were there, {time.perf_counter() - began:.1f} s")
    if options.sheet:
        writeSheet(paths, options.sheet)
    return 0


if __name__ == "__main__":
    sys.exit(main())
