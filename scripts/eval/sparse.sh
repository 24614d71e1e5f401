#!/usr/bin/env bash
# What does sampler.sparse save, and what does it cost in the picture? Renders the demo's shot with the default model and a region
# larger than its mask, with all tokens and with several margins, and compares time and picture. Writes sparse.md and sparse.json.
#   sparse.sh [--steps N] [--rounds N] [--region REGION] [--out FOLDER] [DERRUMBE]
# --steps: default 20. --rounds: renders with each margin, of which the fastest counts (default 3). --region: as a shot says it
# (default full). --out: where the results go (default scripts/eval/results). DERRUMBE: the program (default
# build/release/derrumbe).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
steps=20 rounds=3 region=full out=$here/results
# shellcheck source=scripts/eval/options.sh
source "$here/options.sh" "steps rounds region out DERRUMBE" "$@"
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -B "$here/sparse.py" --program "$program" --shot "$root/configs/shots/demo_collapse.yaml" --region "$region" --steps "$steps" \
    --rounds "$rounds" --work "$work" --out "$(realpath "$out")" --command "$command"
