#!/usr/bin/env python3
"""Runs every fixtures_*.py beside it (or those named) into tests/<folder>/fixtures.

Each of them has `make(out_root)`; one that belongs to another folder than `model` says so in FOLDER. Run with the
pinned versions of scripts/parity/README.md, or the numbers move.
"""

import argparse
import importlib
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="e.g. transformer scheduler; all where none is given")
    arguments = parser.parse_args()
    sys.path.insert(0, str(HERE))
    names = arguments.names or sorted(path.stem.removeprefix("fixtures_") for path in HERE.glob("fixtures_*.py"))
    for name in names:
        module = importlib.import_module(f"fixtures_{name}")
        out_root = HERE.parents[1] / "tests" / getattr(module, "FOLDER", "model") / "fixtures"
        out_root.mkdir(parents=True, exist_ok=True)
        module.make(out_root)
        size = sum(path.stat().st_size for path in out_root.rglob("*") if path.is_file())
        print(f"{name}: {out_root.relative_to(HERE.parents[1])} now holds {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
