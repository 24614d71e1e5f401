#!/usr/bin/env python3
"""README's table of speed, from the results of bench.py (results/NAME.json). all.sh makes those of processors, gpu.sh a card's.

    table.py             prints it
    table.py --write     puts it into README.md in the place of the one that stands there
    table.py --check     ends with 1 where README.md has another one
"""

import argparse
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
README = HERE.parents[1] / "README.md"


@dataclass
class Column:
    over: str     # whose times Derrumbe's are divided by, for people
    of: str       # model and frames
    dtype: str
    name: str     # of the results
    sides: list   # in the results
    memory: str = "resident"
    notes: dict = field(default_factory=dict)  # by row


COMPILED = ["diffusers", "diffusers compiled"]
COLUMNS = [
    Column("diffusers, plain / `torch.compile`", "derrumbe-mini, 49 of 128 x 128", "float32", "cpu_mini_float32_2_threads", COMPILED),
    Column("the same in bfloat16", "the same", "bfloat16", "cpu_mini_bfloat16_2_threads", COMPILED),
    Column("stable-diffusion.cpp, bf16", "1.3B's dimensions, 5 of 128 x 128", "bfloat16", "cpu_1.3b_sdcpp_bfloat16", ["sd.cpp bf16"],
           notes={"memory": "no text encoder there"}),
    Column("diffusers, on a GPU", "1.3B's dimensions, 17 of 480 x 272", "bfloat16", "h200_wan_1.3b_bfloat16", ["diffusers"],
           "device", {"text": "read before", "memory": "of the card"}),
]
ROWS = {"step": "denoising step", "encode": "VAE encode", "decode": "VAE decode",
        "text": "text encoder (ours with reading its weights)", "start": "start",
        "whole": "whole render, 10 steps (beside stable-diffusion.cpp 4)", "memory": "peak memory"}


def record(results, row, memory):
    """The numbers of a row by side, and which of them counts."""
    if row in results["stages"]:
        return results["stages"][row], "median"
    if row == "memory":
        return results.get("memory", {}), memory
    if row in ("start", "whole"):
        return results.get("whole", {}), "start" if row == "start" else "median"
    return {}, ""


def cell(column, results, row):
    numbers, key = record(results, row, column.memory)
    shares = [numbers["derrumbe"][key] / numbers[side][key] for side in column.sides if side in numbers]
    note = f" ({column.notes[row]})" if row in column.notes else ""
    return " / ".join(f"{share:.2f}" for share in shares) + note if shares else ""


def lines(folder):
    results = [json.loads((folder / f"{column.name}.json").read_text()) for column in COLUMNS]
    yield ["time or memory over that of", *(column.over for column in COLUMNS)]
    yield ["---"] * (1 + len(COLUMNS))
    yield ["model, frames", *(column.of for column in COLUMNS)]
    yield ["numbers", *(column.dtype for column in COLUMNS)]
    for row, title in ROWS.items():
        yield [title, *(cell(column, result, row) for column, result in zip(COLUMNS, results))]


def shown(words):
    return "|" + "|".join("---" for _ in words) + "|" if words[0] == "---" else \
        "|" + "|".join(f" {word} " if word else " " for word in words) + "|"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=HERE / "results")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    table = [shown(words) for words in lines(options.results)]
    if not options.write and not options.check:
        print("\n".join(table))
        return
    text = README.read_text().splitlines()
    begin = text.index(table[0])
    end = next(i for i in range(begin, len(text)) if not text[i].startswith("|"))
    if options.write:
        README.write_text("\n".join(text[:begin] + table + text[end:]) + "\n")
    elif text[begin:end] != table:
        sys.exit("README.md's table of speed is not that of scripts/bench/results: scripts/bench/table.py --write\n" + "\n".join(table))


if __name__ == "__main__":
    main()
