#!/usr/bin/env bash
# Checks scripts/farm: the shell scripts, the Open Job Description templates, what is submitted to Deadline and OpenCue, and
# the plain list. What needs a tool that is not installed is said and left out. The program is a stub.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
farm=$(cd "$here/../../scripts/farm" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export STUB_LOG=$work/calls.txt DERRUMBE=$here/stub

fail() {
    echo "FAILED: $*"
    tail -n 30 out.txt 2>/dev/null || true
    exit 1
}
have() { command -v "$1" >/dev/null || { echo "left out, not installed: $1 ($2)"; return 1; }; }
expect() { diff -u <(printf '%s\n' "$@") "$STUB_LOG" || fail "other calls"; }

scripts=("$farm"/*.sh "$farm"/*/*.sh "$farm"/slurm/derrumbe.sbatch "$here"/*.sh)
for script in "${scripts[@]}"; do bash -n "$script" || fail "$script"; done
if have shellcheck "style of the scripts"; then (cd "$farm/../.." && shellcheck -x -e SC2015 "${scripts[@]}") || fail shellcheck; fi
python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' "$farm/opencue/submit.py"

mkdir show && cd show && touch sh010.yaml "sh 020.yaml" && cd ..
cat >list.txt <<'LIST'
# a comment

show/sh010.yaml --set shot.take=2
"show/sh 020.yaml" --frames 1001-1010:3
LIST
: >"$STUB_LOG"
STUB_CODES="75 0" "$farm/render_list.sh" list.txt --device cpu >out.txt 2>&1 || fail "the list"
expect 'render|show/sh010.yaml|--set|shot.take=2|--device|cpu|' 'render|show/sh010.yaml|--set|shot.take=2|--device|cpu|' \
    'render|show/sh 020.yaml|--frames|1001-1010:3|--device|cpu|'
: >"$STUB_LOG"
code=0
STUB_CODES="3 0" "$farm/render_list.sh" list.txt >out.txt 2>&1 || code=$?
[ "$code" = 3 ] || fail "a failed render gave $code, expected 3"
[ "$(wc -l <"$STUB_LOG")" = 2 ] || fail "a render that cannot work was tried again, or the rest was not"

"$farm/deadline/submit.sh" "show/sh 020.yaml" --frames 1001-1049 --chunk 10 --option "--device cpu" --print job >out.txt
grep -qx 'Frames=1001-1049' job/job_info.job && grep -qx 'ChunkSize=10' job/job_info.job || fail "Deadline's job"
grep -qxF "Arguments=exec derrumbe render <QUOTE>$work/show/sh 020.yaml<QUOTE> --frames <STARTFRAME>-<ENDFRAME> --device cpu --progress deadline --log json" \
    job/plugin_info.job || fail "Deadline's arguments"
code=0
"$farm/deadline/submit.sh" missing.yaml --frames 1 >out.txt 2>&1 || code=$?
[ "$code" = 2 ] || fail "a missing shot was submitted"

python=${DERRUMBE_TEST_PYTHON:-python3}
if "$python" -c 'import outline, opencue, packaging' 2>/dev/null; then
    HOME=$work "$python" "$farm/opencue/submit.py" --show s --shot sh010 show/sh010.yaml --takes 1-4 --print >out.txt
    grep -q '<range>1-4</range>' out.txt && grep -q 'sampler.seed=#IFRAME#' out.txt || fail "OpenCue's takes"
    HOME=$work "$python" "$farm/opencue/submit.py" --show s --shot sh010 show/sh010.yaml --frames 1001-1049 --chunk 25 --print >out.txt
    grep -q '<chunk>25</chunk>' out.txt && grep -q -- '--frames #FRAME_START#-#FRAME_END# ' out.txt || fail "OpenCue's chunks"
    python3 -c 'import sys, xml.dom.minidom as d; d.parseString(open("out.txt").read())' || fail "OpenCue's XML"
else
    echo "left out, not installed: opencue-pyoutline (OpenCue's job specification)"
fi

if have openjd "Open Job Description"; then
    for template in whole frames; do openjd check "$farm/openjd/$template.yaml" >out.txt 2>&1 || fail "$template.yaml"; done
    : >"$STUB_LOG"
    openjd run "$farm/openjd/whole.yaml" --step Render -p Folder=show -p Shot=sh010.yaml -p Takes=1-2 \
        -p "Program=$DERRUMBE" -p Device=cpu >out.txt 2>&1 || fail "whole.yaml does not run"
    tail=--device\|cpu\|--progress\|openjd\|--log\|json\|
    expect "render|$work/show/sh010.yaml|--set|shot.take=1|--set|sampler.seed=1|$tail" \
        "render|$work/show/sh010.yaml|--set|shot.take=2|--set|sampler.seed=2|$tail"
    : >"$STUB_LOG"
    openjd run "$farm/openjd/frames.yaml" --step Render -p Folder=show -p "Shot=sh 020.yaml" -p Frames=1001-1030 \
        -p FramesPerTask=24 -p "Program=$DERRUMBE" -p Device=cpu >out.txt 2>&1 || fail "frames.yaml does not run"
    expect "render|$work/show/sh 020.yaml|--frames|1001-1015|$tail" "render|$work/show/sh 020.yaml|--frames|1016-1030|$tail"
    STUB_CODES=3 openjd run "$farm/openjd/whole.yaml" --step Render -p Folder=show -p Shot=sh010.yaml \
        -p "Program=$DERRUMBE" >out.txt 2>&1 && fail "a failed render was a good one for openjd"
fi
echo ok
