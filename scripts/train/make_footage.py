#!/usr/bin/env python3
"""Makes simulated destruction clips for training: see scripts/train/footage."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from footage.__main__ import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
