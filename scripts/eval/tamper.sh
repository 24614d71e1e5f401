#!/usr/bin/env bash
# Tampering: renders a small shot with a signed log and a model of random weights, changes one byte at each of many random
# places (frames, log, plates, mattes, weights), and asks `derrumbe verify` each time: it has to end with 6 and to name the
# file that was changed. Writes tamper.md and tamper.json; ends with 1 if a change was not found or not named.
#   tamper.sh [--places N] [--seed N] [--out FOLDER] [DERRUMBE]
# --places: in all (default 100), as many in each of the five. --seed: of the places (default 1). --out: where the results go
# (default scripts/eval/results). DERRUMBE: the program (default build/release/derrumbe).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
command="scripts/eval/tamper.sh${*:+ $*}"
places=100 seed=1 out=$here/results program=$root/build/release/derrumbe
usage() { sed -n '2,7s/^# \{0,1\}//p' "$0"; exit "$1"; }
while [ $# -gt 0 ]; do
    case $1 in
        --places) places=${2:?}; shift ;;
        --seed) seed=${2:?}; shift ;;
        --out) out=${2:?}; shift ;;
        -h | --help) usage 0 ;;
        -*) usage 2 >&2 ;;
        *) program=$1 ;;
    esac
    shift
done
[ -x "$program" ] || { echo "$program: no such program" >&2; exit 2; }
program=$(realpath "$program")
mkdir -p "$out"
out=$(realpath "$out")
# shellcheck source=scripts/eval/faults_lib.sh
source "$here/faults_lib.sh"
prepare
mv reference out
"$program" keygen -o show.pem >keygen.txt
"$program" render shot.yaml --threads 1 --sign show.pem >out.txt 2>err.txt || { cat err.txt >&2; exit 2; }
"$program" verify out/c.provenance.json --key show.pub.pem >verify.txt 2>&1 ||
    { cat verify.txt >&2; echo "the log does not verify before anything was changed" >&2; exit 2; }
python3 -B "$here/tamper.py" --program "$program" --places "$places" --seed "$seed" --out "$out" \
    --command "$(sed -E 's#(^| )/[^ ]*/#\1#g' <<<"$command")"
