#!/usr/bin/env bash
# Runs one command-line case: run.sh CASE BINARY. A case is a folder with a script `run`, named after what it
# shows; it works in an empty folder of its own and uses the helpers below.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
name=$1
derrumbe=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export DERRUMBE_MODEL_PATH=$root/models
cd "$work"

fail() {
    printf 'case %s: %s\n' "$name" "$*"
    for file in out.txt err.txt; do [ -e $file ] && { printf -- '--- %s\n' $file; tail -n 40 $file; }; done
    exit 1
}

# skip REASON: the case needs what is not there.
skip() {
    printf 'case %s: skipped: %s\n' "$name" "$*"
    exit 77
}

# exits CODE ARGUMENTS...: runs derrumbe; what it said is in out.txt and err.txt.
exits() {
    local code=0 expected=$1
    shift
    "$derrumbe" "$@" >out.txt 2>err.txt || code=$?
    [ "$code" = "$expected" ] || fail "derrumbe $* ended with $code, expected $expected"
}

text() { case $1 in out | err) echo "$1.txt" ;; *) echo "$1" ;; esac; }

# says FILE TEXT: FILE (out and err are what the last run said) holds TEXT.
says() { grep -qF -- "$2" "$(text "$1")" || fail "$1 does not say '$2'"; }
silent() { ! grep -qF -- "$2" "$(text "$1")" || fail "$1 says '$2'"; }

# plates FIRST LAST [WxH]: a small moving scene-linear plate with values above 1, and a matte in its middle.
plates() {
    local first=$1 last=$2 size=${3:-96x64} frame
    mkdir -p plates mattes
    for frame in $(seq "$first" "$last"); do
        oiiotool --pattern fill:topleft=0.1,0.2,0.4,1:topright=0.6,0.5,0.4,1:bottomleft=0.2,0.15,0.1,1:bottomright=4,3,2,1 "$size" 4 \
            --fill:color=0.05,0.3,0.1,1 16x20+$((frame % 7 * 3))+30 -d half -o "plates/p.$frame.exr"
        oiiotool --create "$size" 1 --chnames A --fill:color=1 40x30+28+16 -d half -o "mattes/m.$frame.exr"
    done
}

# shot [EXTRA YAML]: writes shot.yaml for those plates, small and quick.
shot() {
    cat >shot.yaml <<YAML
version: 1
shot: {show: test, name: case, take: 1}
frames: ${frames:-1001-1005}
plate: {path: plates/p.####.exr, colorspace: ACEScg}
matte: {path: mattes/m.####.exr, grow: 2, feather: 3}
prompt: "the building collapses into dust"
onset: ${onset:-1002}
model: {path: derrumbe-mini}
sampler: {steps: 2, guidance: 1.0, seed: 7}
output: {path: out/c.####.exr}
provenance: {path: out/c.provenance.json}
${1:-}
YAML
}

source "$here/$name/run"
