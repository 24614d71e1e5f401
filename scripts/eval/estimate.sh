#!/usr/bin/env bash
# How far off is `plan`? Plans and renders the demo's plate with the default model at several sizes, lengths and settings, and
# compares the estimated time and memory with what the render took. Writes estimate.md and estimate.json.
#   estimate.sh [--only CASE[,CASE...]] [--out FOLDER] [DERRUMBE]
# --out: where the results go (default scripts/eval/results). DERRUMBE: the program (default build/release/derrumbe). The
# machine should have nothing else to do: an estimate is of the machine as it is when it is made.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
command="scripts/eval/estimate.sh${*:+ $*}"
only="" out=$here/results program=$root/build/release/derrumbe
usage() { sed -n '2,6s/^# \{0,1\}//p' "$0"; exit "$1"; }
while [ $# -gt 0 ]; do
    case $1 in
        --only) only=${2:?}; shift ;;
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
python3 -B "$here/estimate.py" --program "$(realpath "$program")" --shot "$root/configs/shots/demo_collapse.yaml" --only "$only" \
    --work "$work" --out "$(realpath "$out")" --command "$(sed -E 's#(^| )/[^ ]*/#\1#g' <<<"$command")"
