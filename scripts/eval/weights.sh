#!/usr/bin/env bash
# What do weights and products of 8 bits (model.weights, model.products) and bfloat16 (model.dtype, model.vae_dtype) cost in the picture, and in time? Renders the
# demo's shot with the default model as it is and with each, and compares time and picture. Writes weights.md and weights.json.
#   weights.sh [--rounds N] [--out FOLDER] [DERRUMBE]
# --rounds: renders with each, of which the fastest counts (default 3). --out: where the results go (default
# scripts/eval/results). DERRUMBE: the program (default build/release/derrumbe).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
rounds=3 out=$here/results
# shellcheck source=scripts/eval/options.sh
source "$here/options.sh" "rounds out DERRUMBE" "$@"
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -B "$here/weights.py" --program "$program" --shot "$root/configs/shots/demo_collapse.yaml" --rounds "$rounds" \
    --work "$work" --out "$(realpath "$out")" --command "$command"
