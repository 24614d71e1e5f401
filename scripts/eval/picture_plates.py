"""Makes the plates of picture.sh: simulated clips of seeds that training never draws, as EXR sequences with a shot file.

python picture_plates.py --out FOLDER [--long FRAMES] [--size 256]

Clips come from scripts/train/make_footage.py (split held_out) and are written as FOLDER/NAME/plate.####.exr (half float,
linear Rec.709), matte.####.exr and shot.yaml. What is there already stays.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

TRAIN = Path(__file__).resolve().parents[1] / "train"
sys.path.insert(0, str(TRAIN))

from footage.encoding import decode  # noqa: E402

FIRST = 1001
SHORT = ("down", "left", "explosion", "facade", "pancake")
LONG = ("right", "shear")
SEED = 920000


def makeClip(folder: Path, kind: str, seed: int, frames: int, size: str) -> Path:
    subprocess.run([sys.executable, TRAIN / "make_footage.py", "--out", folder, "--split", "held_out", "--seed", str(seed),
                    "--frames", str(frames), "--size", size, "--kind", kind, "--workers", "1"], check=True, stdout=sys.stderr)
    return folder / "held_out" / f"fast_{seed}.npz"


def writeExr(path: Path, pixels: np.ndarray, channels: tuple[str, ...]) -> None:
    height, width = pixels.shape[:2]
    spec = oiio.ImageSpec(width, height, len(channels), oiio.HALF)
    spec.channelnames = channels
    spec.attribute("compression", "zip")
    output = oiio.ImageOutput.create(str(path))
    if not output or not output.open(str(path), spec) or not output.write_image(np.ascontiguousarray(pixels, np.float32)):
        raise SystemExit(f"{path}: {output.geterror() if output else oiio.geterror()}")
    output.close()


def writeShot(folder: Path, clip: Path) -> None:
    """The frames first, the shot file last: a folder that has one is whole."""
    with np.load(clip, allow_pickle=False) as arrays:
        frames, matte, meta = arrays["clean"], arrays["matte"], json.loads(str(arrays["meta"]))
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(len(frames)):
        writeExr(folder / f"plate.{FIRST + index}.exr", decode(frames[index] / np.float32(255)), ("R", "G", "B"))
        writeExr(folder / f"matte.{FIRST + index}.exr", matte[index][..., None] / np.float32(255), ("Y",))
    grow, feather = round(0.04 * frames.shape[2]), round(0.025 * frames.shape[2])
    shot = {"version": 1, "shot": {"name": folder.name}, "frames": f"{FIRST}-{FIRST + len(frames) - 1}", "fps": 24,
            "plate": {"path": "plate.####.exr", "colorspace": "Linear Rec.709 (sRGB)"},
            "matte": {"path": "matte.####.exr", "channel": "Y", "grow": grow, "feather": feather},
            "prompt": meta["prompts"]["en"][0], "onset": FIRST + int(meta["onset"]), "model": {"path": "derrumbe-mini"}}
    (folder / "shot.yaml").write_text(json.dumps(shot, indent=1) + "\n")  # JSON is YAML


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--long", type=int, default=97, help="frames of the long shots")
    parser.add_argument("--size", default="256")
    arguments = parser.parse_args()
    wanted = [(kind, 49) for kind in SHORT] + [(kind, arguments.long) for kind in LONG]
    for number, (kind, frames) in enumerate(wanted):
        folder = arguments.out / (f"{kind}_{frames}" if kind in LONG else kind)
        if (folder / "shot.yaml").exists():
            continue
        writeShot(folder, makeClip(arguments.out / "clips", kind, SEED + number, frames, arguments.size))


if __name__ == "__main__":
    main()
