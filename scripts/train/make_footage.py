#!/usr/bin/env python3
"""Makes simulated destruction clips for training: see scripts/train/footage; --tier physical: scripts/train/physical."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))


def main(arguments):
    """Hands the arguments, less --tier, to the tier that they name; the fast one is the default."""
    tier = "fast"
    if "--tier" in arguments:
        at = arguments.index("--tier")
        tier = arguments[at + 1] if at + 1 < len(arguments) else ""
        arguments = arguments[:at] + arguments[at + 2 :]
    if tier == "fast":
        from footage.__main__ import main as make
    elif tier == "physical":
        from physical.__main__ import main as make
    else:
        raise SystemExit(f'make_footage: --tier is "fast" or "physical", not "{tier}"')
    return make(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
