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
places=100 seed=1 out=$here/results
# shellcheck source=scripts/eval/options.sh
source "$here/options.sh" "places seed out DERRUMBE" "$@"
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
    --command "$command"
