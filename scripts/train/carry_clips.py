"""Makes clips small enough to be taken to another machine, and back: some 80 KB instead of 12 MB for 49 frames of 192 pixels.

python carry_clips.py pack   FOOTAGE/train PACKED
python carry_clips.py unpack PACKED WORK/footage/train [--workers 8]

Plate, truth and matte stand one above the other in an H.264 video (ffmpeg, which must be installed to pack; OpenCV unpacks), with a PSNR
of 32 to 38 dB, more than the VAE keeps of them; the description lies beside it. What is there already is passed over.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
from pathlib import Path

import numpy as np

from data import readClip

QUALITY = "24"  # x264's constant rate factor


def packClip(source: Path, folder: Path) -> None:
    clip = readClip(source)
    stacked = np.concatenate([clip.clean, clip.destroyed, np.repeat(clip.matte[..., None], 3, 3)], 1)
    _, height, width, _ = stacked.shape
    subprocess.run(["ffmpeg", "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}",
                    "-r", str(clip.meta["fps"]), "-i", "-", "-c:v", "libx264", "-preset", "medium", "-crf", QUALITY,
                    "-pix_fmt", "yuv420p", "-threads", "1", folder / f"{source.stem}.mkv"], input=stacked.tobytes(), check=True)
    (folder / f"{source.stem}.json").write_text(json.dumps(clip.meta, ensure_ascii=False))


def unpackClip(source: Path, folder: Path) -> None:
    import cv2

    video, frames = cv2.VideoCapture(str(source.with_suffix(".mkv"))), []
    while (read := video.read())[0]:
        frames.append(read[1][..., ::-1])
    clean, destroyed, matte = np.split(np.stack(frames), 3, axis=1)
    part = folder / f"{source.stem}.part"
    with open(part, "wb") as file:
        np.savez(file, clean=clean, destroyed=destroyed, matte=np.ascontiguousarray(matte[..., 1]), meta=source.read_text())
    os.replace(part, folder / f"{source.stem}.npz")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("way", choices=["pack", "unpack"])
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    packing = arguments.way == "pack"
    arguments.out.mkdir(parents=True, exist_ok=True)
    # The description is written last, so that a video without one is not whole.
    found = sorted(arguments.source.glob("*.npz" if packing else "*.json"))
    missing = [p for p in found if not (arguments.out / (p.stem + (".json" if packing else ".npz"))).exists()]
    with multiprocessing.Pool(arguments.workers) as pool:
        pool.starmap(packClip if packing else unpackClip, [(p, arguments.out) for p in missing], chunksize=1)
    print(f"{len(missing)} clips, {len(found) - len(missing)} were there")


if __name__ == "__main__":
    main()
