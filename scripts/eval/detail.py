"""What detail.sh asks: what does the plate's detail do to the picture of what is destroyed?"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import measured
import numpy as np
import OpenImageIO as oiio
from picture_plates import FIRST, TRAIN, makeClip, writeShot

sys.path.insert(0, str(TRAIN))

from footage.destruction import KINDS  # noqa: E402
from footage.encoding import decode, encode  # noqa: E402

SEED = 940000
DETAIL = ("off", "still", "plate")
FRAMES = 49


def picture(path: Path, channels: tuple[str, ...]) -> np.ndarray:
    image = oiio.ImageBuf(str(path))
    names = list(image.spec().channelnames)
    return image.get_pixels(oiio.FLOAT)[..., [names.index(name) for name in channels]]


def gradient(codes: np.ndarray) -> np.ndarray:
    """Length of the difference to the next pixel, of the mean of R, G, B; [H-1, W-1]."""
    grey = codes.mean(-1)
    return np.hypot(np.diff(grey, axis=0)[:, :-1], np.diff(grey, axis=1)[:-1])


def compare(folder: Path, truth: np.ndarray, onset: int) -> dict[str, float]:
    """Of the frames from the onset on, inside the composite's matte: sharpness and error beside the truth."""
    sharp, known, error, count = 0.0, 0.0, 0.0, 0.0
    for index in range(onset, len(truth)):
        path = folder / f"f.{FIRST + index}.exr"
        made = encode(np.maximum(picture(path, ("R", "G", "B")), 0))
        matte = picture(path, ("matte.Y",))[..., 0] > 0.5
        # The truth as a plate holds it: through the same light and half floats.
        there = encode(decode(truth[index] / np.float32(255)).astype(np.float16).astype(np.float32))
        inside = matte[:-1, :-1]
        sharp += gradient(made)[inside].sum()
        known += gradient(there)[inside].sum()
        error += ((made - there)[matte] ** 2).sum()
        count += 3 * matte.sum()
    return {"sharpness": sharp / known, "psnr": -10 * np.log10(error / count)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("program", "model", "out", "work", "command"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("size", "clips"):
        parser.add_argument(f"--{name}", type=int, required=True)
    asked = parser.parse_args()
    told = measured.facts(asked.program, asked.command)
    work = Path(asked.work)
    rows = []
    for clip in range(asked.clips):
        for number, kind in enumerate(KINDS):
            seed = SEED + 100 * clip + number
            folder = work / f"{kind}_{clip}"
            file = makeClip(work / "clips", kind, seed, FRAMES, str(asked.size))
            if not (folder / "shot.yaml").exists():
                writeShot(folder, file)
            with np.load(file, allow_pickle=False) as arrays:
                truth, meta = arrays["destroyed"], json.loads(str(arrays["meta"]))
            row: dict[str, object] = {"kind": kind, "seed": seed, "moving": 0}
            for detail in DETAIL:
                to = folder / detail
                subprocess.run([asked.program, "render", folder / "shot.yaml", "--progress", "none", "--overwrite", "--set",
                                f"detail={detail}", "--set", f"model.path={asked.model}", "--set", f"output.path={to}/f.####.exr",
                                "--set", f"provenance.path={to}/log.json", "--set", "output.layers=[matte]", "--set", "grain=off"],
                               check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                row[detail] = compare(to, truth, int(meta["onset"]))
                for event in json.loads((to / "log.json").read_text())["predicate"].get("derrumbe_events", []):
                    if event["kind"] == "detail":
                        row["moving"] = int(event["message"].split(" in ")[1].split()[0])
            rows.append(row)
            print(f"{kind} {seed}", *(f"{d}: {row[d]['sharpness']:.2f} {row[d]['psnr']:.2f} dB" for d in DETAIL), flush=True)
    lines = ["# What the plate's detail does", "", measured.sentence(told), "",
             f"Held-out simulated shots of {asked.size}x{asked.size} pixels, {FRAMES} frames, that the model sees at its working size. Inside the",
             "matte, from the onset on: the mean length of the difference between neighbouring pixels as a share of the truth's, and",
             "PSNR to the truth, in codes of `srgb_shoulder`; one event that the prompt allows is not the other, so that the PSNR says",
             "little but that nothing got worse. *moving*: frames to which detail came along.", "",
             "| kind | shots | moving | " + " | ".join(f"sharpness, {d}" for d in DETAIL) + " | " + " | ".join(f"dB, {d}" for d in DETAIL) + " |",
             "|---|---|---|" + "---|" * (2 * len(DETAIL))]
    for name, chosen in [(kind, [row for row in rows if row["kind"] == kind]) for kind in KINDS] + [("all", rows)]:
        mean = lambda key, figure: float(np.mean([row[key][figure] for row in chosen]))  # noqa: E731
        lines.append(f"| {name} | {len(chosen)} | {np.mean([row['moving'] for row in chosen]):.0f} | "
                     + " | ".join(f"{mean(d, 'sharpness'):.2f}" for d in DETAIL) + " | "
                     + " | ".join(f"{mean(d, 'psnr'):.2f}" for d in DETAIL) + " |")
    out = Path(asked.out)
    (out / "detail.md").write_text("\n".join(lines) + "\n")
    (out / "detail.json").write_text(json.dumps({**told, "shots": rows}, indent=1) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
