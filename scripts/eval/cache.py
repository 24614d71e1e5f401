"""What cache.sh asks: what does sampler.cache save, and what does it cost in the picture?"""

from __future__ import annotations

import argparse
import array
import json
import math
from pathlib import Path

import clips
import measured

LIMITS = [0.0, 0.05, 0.1, 0.2, 0.4]


def render(program: str, shot: str, work: Path, steps: int, limit: float) -> tuple[float, str, array.array[float]]:
    """Seconds of denoising, what the log says of the cache, and the model's video."""
    settings = {"sampler.steps": steps, "sampler.cache": limit}
    stages, said, dump = clips.rendered(program, shot, work / f"cache_{limit}", settings, "cache")
    seconds = stages["denoising"]
    return seconds, said, clips.tensor(dump, "video")[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("program", "shot", "out", "work", "command"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("steps", "rounds"):
        parser.add_argument(f"--{name}", type=int, required=True)
    asked = parser.parse_args()
    told = measured.facts(asked.program, asked.command)
    # The same every time but for the seconds, of which the least counts.
    found = {}
    for _ in range(asked.rounds):
        for limit in LIMITS:
            seconds, said, picture = render(asked.program, asked.shot, Path(asked.work), asked.steps, limit)
            found[limit] = min(seconds, found.get(limit, (seconds,))[0]), said, picture
    whole_seconds, _, whole = found[0.0]
    rows = []
    for limit, (seconds, said, picture) in found.items():
        psnr, largest = clips.difference(whole, picture)
        rows.append({"cache": limit, "reused": int(said.split()[0]) if said else 0, "seconds": round(seconds, 2),
                     "time": round(seconds / whole_seconds, 3), "psnr": None if math.isinf(psnr) else round(psnr, 2),
                     "max_error": round(largest, 4)})
        print(rows[-1], flush=True)
    (Path(asked.out) / "cache.json").write_text(json.dumps({**told, "steps": asked.steps, "rows": rows}, indent=1) + "\n")
    lines = ["# What sampler.cache saves and costs", "", measured.sentence(told), "",
             f"The demo's shot, {asked.steps} steps, the fastest of {asked.rounds} renders each. Against the render without it, of the model's picture in [0, 1], all frames:", "",
             "| `sampler.cache` | steps reused | denoising, s | of the time | PSNR, dB | greatest error |", "|---|---|---|---|---|---|"]
    lines += [f"| {row['cache']} | {row['reused']} of {asked.steps} | {row['seconds']} | {row['time']:.2f} | "
              f"{'the same' if row['psnr'] is None else row['psnr']} | {row['max_error']} |" for row in rows]
    (Path(asked.out) / "cache.md").write_text("\n".join(lines) + "\n")


main()
