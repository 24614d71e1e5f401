#!/usr/bin/env bash
# What does `detail` do to the picture of what is destroyed? Renders held-out simulated shots of every kind with `detail: off`, `still`
# and `plate`, and compares how sharp they are with the simulation. Writes detail.md and detail.json.
#   detail.sh [--size PIXELS] [--clips N] [--model DIR] [--out FOLDER] [--work FOLDER] [DERRUMBE]
# --size: of the plates (default 384). --clips: shots of each kind (default 1). --model: default models/derrumbe-mini. --out: where
# the results go (default scripts/eval/results). --work: plates and renders, plates are kept (default build/detail). DERRUMBE: the
# program (default build/release/derrumbe).
# Python with numpy, scipy, numba and OpenImageIO: $DERRUMBE_EVAL_PYTHON, else .venv's, else python3.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
size=384 clips=1 model=$root/models/derrumbe-mini out=$here/results work=$root/build/detail
# shellcheck source=scripts/eval/options.sh
source "$here/options.sh" "size clips model out work DERRUMBE" "$@"
python=$(python_with numpy scipy numba OpenImageIO)
mkdir -p "$out" "$work"
"$python" -B "$here/detail.py" --program "$program" --model "$(realpath "$model")" --size "$size" --clips "$clips" \
    --work "$(realpath "$work")" --out "$(realpath "$out")" --command "$command"
