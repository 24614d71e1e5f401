"""What weights.sh asks: what do weights of 8 bits cost in the picture, and in time?"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import clips
import measured

KINDS = ["auto", "int8", "fp8"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("program", "shot", "out", "work", "command"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--rounds", type=int, required=True)
    asked = parser.parse_args()
    told = measured.facts(asked.program, asked.command)
    # The same every time but for the seconds, of which the least counts.
    found = {}
    for _ in range(asked.rounds):
        for kind in KINDS:
            seconds, _, dump = clips.rendered(asked.program, asked.shot, Path(asked.work) / kind, {"model.weights": kind}, "weights")
            found[kind] = min(seconds, found.get(kind, (seconds,))[0]), clips.tensor(dump, "video")[1]
    whole_seconds, whole = found["auto"]
    rows = []
    for kind, (seconds, picture) in found.items():
        psnr, largest = clips.difference(whole, picture)
        rows.append({"weights": kind, "seconds": round(seconds, 2), "time": round(seconds / whole_seconds, 3),
                     "psnr": None if math.isinf(psnr) else round(psnr, 2), "max_error": round(largest, 4)})
        print(rows[-1], flush=True)
    (Path(asked.out) / "weights.json").write_text(json.dumps({**told, "rows": rows}, indent=1) + "\n")
    lines = ["# What weights of 8 bits cost", "", measured.sentence(told), "",
             f"The demo's shot, the fastest of {asked.rounds} renders each. Against the weights as their file has them (float16), of the model's picture in [0, 1], "
             "all frames:", "",
             "| `model.weights` | denoising, s | of the time | PSNR, dB | greatest error |", "|---|---|---|---|---|"]
    lines += [f"| {row['weights']} | {row['seconds']} | {row['time']:.2f} | {'the same' if row['psnr'] is None else row['psnr']} | {row['max_error']} |"
              for row in rows]
    (Path(asked.out) / "weights.md").write_text("\n".join(lines) + "\n")


main()
