"""What sparse.sh asks: what does sampler.sparse save, and what does it cost in the picture?"""

from __future__ import annotations

import argparse
import array
import itertools
import json
import math
from pathlib import Path

import clips
import measured

MARGINS = ["off", 0, 16, 32]


def inside(dump: Path, frames: list[int]) -> array.array[float]:
    """The model's video where its mask is 1, of those frames."""
    (_, _, count, height, width), mask = clips.tensor(dump, "input_mask")
    _, video = clips.tensor(dump, "video")
    size = height * width
    values = array.array("f")
    for channel in range(3):
        for frame in frames:
            at = (channel * count + frame) * size
            values.extend(itertools.compress(video[at:at + size], mask[frame * size:(frame + 1) * size]))
    return values


def masked(dump: Path) -> list[int]:
    """Frames whose mask is not empty."""
    (_, _, count, height, width), mask = clips.tensor(dump, "input_mask")
    size = height * width
    return [frame for frame in range(count) if any(mask[frame * size:(frame + 1) * size])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("program", "shot", "region", "out", "work", "command"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("steps", "rounds"):
        parser.add_argument(f"--{name}", type=int, required=True)
    asked = parser.parse_args()
    told = measured.facts(asked.program, asked.command)
    # The same every time but for the seconds, of which the least counts.
    found: dict[object, tuple[float, str, Path]] = {}
    for _ in range(asked.rounds):
        for margin in MARGINS:
            settings = {"sampler.steps": asked.steps, "sampler.sparse": margin, "region": asked.region}
            stages, said, dump = clips.rendered(asked.program, asked.shot, Path(asked.work) / f"sparse_{margin}", settings, "sparse")
            seconds = stages["denoising"]
            found[margin] = min(seconds, found.get(margin, (seconds,))[0]), said, dump
    whole_seconds, _, whole_dump = found["off"]
    (_, _, count, height, width), _ = clips.tensor(whole_dump, "input_mask")
    frames = masked(whole_dump)
    whole = inside(whole_dump, frames)
    rows = []
    for margin, (seconds, said, dump) in found.items():
        psnr, largest = clips.difference(whole, inside(dump, frames))
        words = said.split()
        rows.append({"sparse": margin, "tokens": round(int(words[0]) / int(words[2]), 3) if said else 1, "seconds": round(seconds, 2),
                     "time": round(seconds / whole_seconds, 3), "psnr": None if math.isinf(psnr) else round(psnr, 2),
                     "max_error": round(largest, 4)})
        print(rows[-1], flush=True)
    picture = {"region": asked.region, "frames": count, "width": width, "height": height,
               "masked": round(len(whole) / (3 * count * height * width), 3)}
    (Path(asked.out) / "sparse.json").write_text(json.dumps({**told, "steps": asked.steps, "picture": picture, "rows": rows}, indent=1) + "\n")
    lines = ["# What sampler.sparse saves and costs", "", measured.sentence(told), "",
             f"The demo's shot with `region: {asked.region}` ({count} frames of {width} x {height}, of which the model's mask is "
             f"{100 * picture['masked']:.0f} %), {asked.steps} steps, the fastest of {asked.rounds} renders each. Against the render without it, of the "
             "model's picture in [0, 1] inside its mask:", "",
             "| `sampler.sparse` | tokens computed | denoising, s | of the time | PSNR, dB | greatest error |", "|---|---|---|---|---|---|"]
    lines += [f"| {row['sparse']} | {100 * row['tokens']:.0f} % | {row['seconds']} | {row['time']:.2f} | "
              f"{'the same' if row['psnr'] is None else row['psnr']} | {row['max_error']} |" for row in rows]
    (Path(asked.out) / "sparse.md").write_text("\n".join(lines) + "\n")


main()
