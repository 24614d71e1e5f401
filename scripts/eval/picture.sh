#!/usr/bin/env bash
# Measures what a compositor complains about, with the default model on plates that training never saw, and writes
# picture.md and picture.json: colour beside the matte, its drift over time, the seam, steps at window borders, and whether
# everything else is the plate bit for bit. README.md beside this script says what each figure is.
#   picture.sh [--plates FOLDER] [--model DIR] [--out FOLDER] [--work FOLDER] [--long FRAMES] [DERRUMBE]
# --plates: shot files (FOLDER/NAME/shot.yaml); seven simulated ones are made there where none are. The demo is measured too.
# --out: where the results go (default scripts/eval/results). --work: plates and renders (default build/picture).
# --long: frames of the long shots, more than one window (default 97). DERRUMBE: the program (default build/release/derrumbe).
# Shots are rendered side by side, one thread each, $DERRUMBE_EVAL_JOBS at a time (default: one a core).
# Python with numpy, scipy, numba, scikit-image, OpenImageIO and safetensors: $DERRUMBE_EVAL_PYTHON, else .venv's, else python3.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
plates="" model=$root/models/derrumbe-mini out=$here/results work=$root/build/picture long=97
# shellcheck source=scripts/eval/options.sh
source "$here/options.sh" "plates model out work long DERRUMBE" "$@"
python=$(python_with numpy scipy numba skimage OpenImageIO safetensors)
mkdir -p "$work"
work=$(realpath "$work") model=$(realpath "$model") plates=${plates:-$work/plates}
ls "$plates"/*/shot.yaml >/dev/null 2>&1 || "$python" "$here/picture_plates.py" --out "$plates" --long "$long"

jobs=${DERRUMBE_EVAL_JOBS:-$(nproc)}

# render FOLDER SHOT KIND [--set KEY=VALUE]... [OPTION...]: the frames to FOLDER/KIND, what `plan` says of them to FOLDER/KIND.json.
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
    OMP_NUM_THREADS=1 "$program" render "$shot" --threads 1 --progress none "${keys[@]}" "$@" >/dev/null 2>"$folder/$kind.txt" || {
        cat "$folder/$kind.txt" >&2
        return 1
    }
    echo "rendered $(basename "$folder") ($kind)" >&2
}

# render_both FOLDER SHOT BARE: as the shot says; with BARE also as the model made it, anchored but without detail and grain.
render_both() {
    mkdir -p "$1"
    if [ "$3" = yes ]; then render "$1" "$2" bare --set detail=off --set grain=off --set 'holdout=[]'; fi
    render "$1" "$2" plan --dump-tensors "$1/tensors.safetensors"
}

rm -rf "$work/renders"
bare=3 running=()
trap 'kill $(jobs -rp) 2>/dev/null || true' EXIT
for shot in "$root/configs/shots/demo_collapse.yaml" "$plates"/*/shot.yaml; do
    name=$(basename "$shot" .yaml)
    [ "$name" != shot ] || name=$(basename "$(dirname "$shot")")
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do sleep 1; done
    render_both "$work/renders/$name" "$shot" "$([ $bare -gt 0 ] && echo yes || echo no)" &
    running+=($!)
    bare=$((bare - 1))
done
for process in "${running[@]}"; do wait "$process"; done
"$python" "$here/picture_measure.py" --renders "$work/renders" --out "$out" --jobs "$jobs" --program "$("$program" --version)" \
    --command "$command"
