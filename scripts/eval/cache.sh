#!/usr/bin/env bash
# What does sampler.cache save, and what does it cost in the picture? Renders the demo's shot with the default model without it and
# with several limits, and compares time and picture. Writes cache.md and cache.json.
#   cache.sh [--steps N] [--rounds N] [--out FOLDER] [DERRUMBE]
# --steps: default 20. --rounds: renders with each limit, of which the fastest counts (default 3). --out: where the results go
# (default scripts/eval/results). DERRUMBE: the program (default build/release/derrumbe).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
steps=20 rounds=3 out=$here/results
# shellcheck source=scripts/eval/options.sh
source "$here/options.sh" "steps rounds out DERRUMBE" "$@"
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -B "$here/cache.py" --program "$program" --shot "$root/configs/shots/demo_collapse.yaml" --steps "$steps" \
    --rounds "$rounds" --work "$work" --out "$(realpath "$out")" --command "$command"
