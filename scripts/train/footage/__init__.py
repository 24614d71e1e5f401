"""Fast generator of simulated destruction: clean plate clip, destroyed clip, matte, prompts, all from one seed.

Compiled kernels are cached in a folder named after the sources, because numba notices an edit of the
caller's file but not of the files that it calls into.
"""

import hashlib
import os
import pathlib
import tempfile

VERSION = "fast-5"

if "NUMBA_CACHE_DIR" not in os.environ:
    _digest = hashlib.sha256()
    for _path in sorted(pathlib.Path(__file__).parent.glob("*.py")):
        _digest.update(_path.read_bytes())
    os.environ["NUMBA_CACHE_DIR"] = os.path.join(
        tempfile.gettempdir(), "footage-kernels-" + _digest.hexdigest()[:12]
    )
