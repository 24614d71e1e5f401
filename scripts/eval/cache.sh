#!/usr/bin/env bash
# What does sampler.cache save, and what does it cost in the picture? Renders the demo's shot with the default model without it and
# with several limits, and compares time and picture. Writes cache.md and cache.json.
#   cache.sh [--steps N] [--rounds N] [--out FOLDER] [DERRUMBE]
# --steps: default 20. --rounds: renders with each limit, of which the fastest counts (default 3). --out: where the results go
# (default scripts/eval/results). DERRUMBE: the program (default build/release/derrumbe).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
command="scripts/eval/cache.sh${*:+ $*}"
steps=20 rounds=3 out=$here/results program=$root/build/release/derrumbe
usage() { sed -n '2,6s/^# \{0,1\}//p' "$0"; exit "$1"; }
while [ $# -gt 0 ]; do
    case $1 in
        --steps) steps=${2:?}; shift ;;
        --rounds) rounds=${2:?}; shift ;;
        --out) out=${2:?}; shift ;;
        -h | --help) usage 0 ;;
        -*) usage 2 >&2 ;;
        *) program=$1 ;;
    esac
    shift
done
[ -x "$program" ] || { echo "$program: no such program" >&2; exit 2; }
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -B "$here/cache.py" --program "$(realpath "$program")" --shot "$root/configs/shots/demo_collapse.yaml" --steps "$steps" \
    --rounds "$rounds" --work "$work" --out "$(realpath "$out")" --command "$(sed -E 's#(^| )/[^ ]*/#\1#g' <<<"$command")"
