#!/usr/bin/env bash
# Measures what a compositor complains about, with the default model on plates that training never saw, and writes
# picture.md and picture.json: colour beside the matte, its drift over time, the seam, steps at window borders, and whether
# everything else is the plate bit for bit. README.md beside this script says what each figure is.
#   picture.sh [--plates FOLDER] [--model DIR] [--out FOLDER] [--work FOLDER] [--long FRAMES] [DERRUMBE]
# --plates: shot files (FOLDER/NAME/shot.yaml); seven simulated ones are made there where none are. The demo is measured too.
# --out: where the results go (default scripts/eval/results). --work: plates and renders (default build/picture).
# --long: frames of the long shots, more than one window (default 97). DERRUMBE: the program (default build/release/derrumbe).
# Python with numpy, scipy, numba, scikit-image, OpenImageIO and safetensors: $DERRUMBE_EVAL_PYTHON, else .venv's, else python3.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
command="scripts/eval/picture.sh${*:+ $*}"
plates="" model=$root/models/derrumbe-mini out=$here/results work=$root/build/picture long=97
program=$root/build/release/derrumbe
usage() { sed -n '2,9s/^# \{0,1\}//p' "$0"; exit "$1"; }
while [ $# -gt 0 ]; do
    case $1 in
        --plates) plates=${2:?}; shift ;;
        --model) model=${2:?}; shift ;;
        --out) out=${2:?}; shift ;;
        --work) work=${2:?}; shift ;;
        --long) long=${2:?}; shift ;;
        -h | --help) usage 0 ;;
        -*) usage 2 >&2 ;;
        *) program=$1 ;;
    esac
    shift
done
[ -x "$program" ] || { echo "$program: no such program" >&2; exit 2; }
packages="import numpy, scipy, numba, skimage, OpenImageIO, safetensors"
for python in "${DERRUMBE_EVAL_PYTHON:-}" "$root/.venv/bin/python" python3; do
    if [ -n "$python" ] && "$python" -c "$packages" 2>/dev/null; then break; fi
    python=""
done
[ -n "$python" ] || {
    echo "no Python has all of: numpy scipy numba scikit-image OpenImageIO safetensors (DERRUMBE_EVAL_PYTHON names one)" >&2
    exit 2
}
mkdir -p "$work"
work=$(realpath "$work") model=$(realpath "$model") program=$(realpath "$program")
plates=${plates:-$work/plates}
ls "$plates"/*/shot.yaml >/dev/null 2>&1 || "$python" "$here/picture_plates.py" --out "$plates" --long "$long"

# render FOLDER SHOT KIND [OPTION...]: the frames to FOLDER/KIND, what `plan` says of them to FOLDER/KIND.json.
render() {
    local folder=$1 shot=$2 kind=$3
    shift 3
    local keys=(--set "model.path=$model" --set "output.path=$folder/$kind/f.####.exr"
        --set "provenance.path=$folder/$kind/log.json" --set 'output.layers=[generated, matte]')
    while [ "${1:-}" = --set ]; do
        keys+=(--set "$2")
        shift 2
    done
    "$program" plan "$shot" --json "${keys[@]}" >"$folder/$kind.json"
    "$program" render "$shot" --progress none "${keys[@]}" "$@" >/dev/null 2>"$folder/$kind.txt" || {
        cat "$folder/$kind.txt" >&2
        exit 1
    }
}

rm -rf "$work/renders"
for shot in "$plates"/*/shot.yaml "$root/configs/shots/demo_collapse.yaml"; do
    name=$(basename "$shot" .yaml)
    [ "$name" != shot ] || name=$(basename "$(dirname "$shot")")
    folder=$work/renders/$name
    mkdir -p "$folder"
    echo "rendering $name" >&2
    render "$folder" "$shot" plan --dump-tensors "$folder/tensors.safetensors"
    render "$folder" "$shot" bare --set detail=off --set grain=off --set 'holdout=[]'
done
"$python" "$here/picture_measure.py" --renders "$work/renders" --out "$out" --program "$("$program" --version)" \
    --command "$(sed -E 's#(^| )/[^ ]*/#\1#g' <<<"$command")"
