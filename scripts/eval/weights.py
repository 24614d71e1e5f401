"""What weights.sh asks: what do weights and products of 8 bits, and bfloat16, cost in the picture, and in time?"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import clips
import measured

# Settings by what the table calls them; the first is what the others are compared with.
KINDS = {"as it is (float32)": {"model.dtype": "float32"}}
KINDS |= {f"`{part}: {kind}`": {"model.dtype": "float32", f"model.{part}": kind} for part in ("weights", "products") for kind in ("int8", "fp8")}
KINDS |= {"`dtype: bfloat16`": {"model.dtype": "bfloat16"},
          "`dtype: bfloat16`, `products: int8`": {"model.dtype": "bfloat16", "model.products": "int8"},
          "`vae_dtype: bfloat16`": {"model.dtype": "float32", "model.vae_dtype": "bfloat16"},
          "`dtype: bfloat16`, `vae_dtype: bfloat16`": {"model.dtype": "bfloat16", "model.vae_dtype": "bfloat16"}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("program", "shot", "out", "work", "command"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--rounds", type=int, required=True)
    asked = parser.parse_args()
    told = measured.facts(asked.program, asked.command)
    # The same every time but for the seconds, of which the least count.
    found = {}
    for _ in range(asked.rounds):
        for number, (kind, settings) in enumerate(KINDS.items()):
            stages, _, dump = clips.rendered(asked.program, asked.shot, Path(asked.work) / str(number), settings, "weights")
            seconds = stages["denoising"], stages["encoding"] + stages["decoding"]
            earlier = found.get(kind, (seconds,))[0]
            found[kind] = tuple(map(min, seconds, earlier)), clips.tensor(dump, "video")[1]
    (whole_denoising, whole_vae), whole = found[next(iter(KINDS))]
    rows = []
    for kind, ((denoising, vae), picture) in found.items():
        psnr, largest = clips.difference(whole, picture)
        rows.append({"kind": kind, "seconds": round(denoising, 2), "time": round(denoising / whole_denoising, 3),
                     "vae_seconds": round(vae, 2), "vae_time": round(vae / whole_vae, 3),
                     "psnr": None if math.isinf(psnr) else round(psnr, 2), "max_error": round(largest, 4)})
        print(rows[-1], flush=True)
    (Path(asked.out) / "weights.json").write_text(json.dumps({**told, "rows": rows}, indent=1) + "\n")
    lines = ["# What weights and products of 8 bits, and bfloat16, cost", "", measured.sentence(told), "",
             f"The demo's shot, the fastest of {asked.rounds} renders each. Against the model as it is, weights of float16 computed with in float32, of the picture in [0, 1], "
             "all frames:", "",
             "| `model` | denoising, s | of the time | encoding and decoding, s | of the time | PSNR, dB | greatest error |", "|---|---|---|---|---|---|---|"]
    lines += [f"| {row['kind']} | {row['seconds']} | {row['time']:.2f} | {row['vae_seconds']} | {row['vae_time']:.2f} | {'the same' if row['psnr'] is None else row['psnr']} | {row['max_error']} |"
              for row in rows]
    (Path(asked.out) / "weights.md").write_text("\n".join(lines) + "\n")


main()
