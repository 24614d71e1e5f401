#!/usr/bin/env bash
# How far off is `plan`? Plans and renders the demo's plate with the default model at several sizes, lengths and settings, and
# compares the estimated time and memory with what the render took. Writes estimate.md and estimate.json.
#   estimate.sh [--only CASE[,CASE...]] [--out FOLDER] [DERRUMBE]
# --out: where the results go (default scripts/eval/results). DERRUMBE: the program (default build/release/derrumbe). The
# machine should have nothing else to do: an estimate is of the machine as it is when it is made.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
only="" out=$here/results
# shellcheck source=scripts/eval/options.sh
source "$here/options.sh" "only out DERRUMBE" "$@"
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -B "$here/estimate.py" --program "$program" --shot "$root/configs/shots/demo_collapse.yaml" --only "$only" \
    --work "$work" --out "$(realpath "$out")" --command "$command"
