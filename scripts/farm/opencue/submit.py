#!/usr/bin/env python3
"""Submits shots to OpenCue: one layer a shot or take, each a frame (the whole shot) or chunks of frames.

    submit.py --show SHOW --shot SH010 sh010.yaml                      one frame on the farm renders the whole shot
    submit.py --show SHOW --shot SH010 sh010.yaml --takes 1-4          one frame a take; take and seed are its number
    submit.py --show SHOW --shot SH010 sh010.yaml --frames 1001-1049 --chunk 100
    ... --print                                                        prints the job specification, submits nothing

Needs OpenCue's PyOutline (pip install opencue-pyoutline) and, to submit, CUEBOT_HOSTS.
"""

import argparse
import os
import shlex
import sys

# OpenCue raises the layer's memory and tries again when a frame ends with 33, Derrumbe's code for out of memory.
# RQD (Python) ends a frame with SIGKILL: delivered frames and denoising state stay, the next try goes on.


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", help="the shot file")
    parser.add_argument("--show", required=True, help="OpenCue's show")
    parser.add_argument("--shot", required=True, help="OpenCue's shot")
    work = parser.add_mutually_exclusive_group()
    work.add_argument("--takes", help="takes to render, e.g. 1-4")
    work.add_argument("--frames", help="frames to deliver in chunks, e.g. 1001-1049")
    parser.add_argument("--chunk", type=int, default=100, help="frames a chunk, with --frames (default 100)")
    parser.add_argument("--program", default="derrumbe", help="the program on the farm's machines")
    parser.add_argument("--memory", default="8g", help="memory to start with (default 8g)")
    parser.add_argument("--cores", type=float, default=4, help="cores (default 4)")
    parser.add_argument("--gpus", type=int, default=0, help="GPUs (default none)")
    parser.add_argument("--priority", type=int, default=1)
    parser.add_argument("--option", action="append", default=[], help="one more option of derrumbe render")
    parser.add_argument("--print", dest="dry", action="store_true", help="print the specification, submit nothing")
    return parser.parse_args()


def command(args):
    """The words that a machine of the farm runs; #...# are OpenCue's own."""
    words = [args.program, "render", os.path.abspath(args.file)]
    if args.takes:
        words += ["--set", "shot.take=#IFRAME#", "--set", "sampler.seed=#IFRAME#"]
    if args.frames:
        words += ["--frames", "#FRAME_START#-#FRAME_END#"]
    for option in args.option:
        words += shlex.split(option)
    return " ".join(shlex.quote(word) for word in words + ["--progress", "plain", "--log", "json"]).replace(
        "'#FRAME_START#-#FRAME_END#'", "#FRAME_START#-#FRAME_END#")


def outline_of(args):
    from outline import Outline
    from outline.modules.shell import Shell

    job = Outline(f"derrumbe_{os.path.splitext(os.path.basename(args.file))[0]}", shot=args.shot, show=args.show)
    layer = Shell(
        "render",
        command=command(args),
        range=args.takes or args.frames or "1-1",
        chunk=args.chunk if args.frames else 1,
        cores=args.cores,
        threadable=True,
        memory=args.memory,
        timeout_llu=15,  # minutes; a render says something at least once a minute
    )
    if args.gpus:
        layer.set_arg("gpus", args.gpus)
    job.add_layer(layer)
    return job


def main():
    args = parse()
    if not os.path.isfile(args.file):
        sys.exit(f"{args.file}: no such shot file")
    import outline.cuerun as cuerun

    launcher = cuerun.OutlineLauncher(outline_of(args), show=args.show, shot=args.shot, priority=args.priority,
                                      nomail=True)
    if args.dry:
        launcher.setup()
        print(launcher.serialize(use_pycuerun=False))
        return
    for job in launcher.launch(use_pycuerun=False):
        print(job.name())


if __name__ == "__main__":
    main()
