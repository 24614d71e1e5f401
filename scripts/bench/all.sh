#!/usr/bin/env bash
# Measures all that README's table of speed and scripts/bench/README.md say of processors, and puts the table into README.
#
# all.sh [--only NAME,NAME...] [--as KIND] [--work DIR]
#
# --only: these results alone (names below). --as: results of another kind of machine, in whose names KIND stands for "cpu"; README's
# table stays as it is. --work: where models with random weights are kept (22 GB; the default is a temporary
# folder). About two hours on two cores that do nothing else. Needs what bench.py needs (README.md) and a release build; without
# stable-diffusion-cpp-python what is measured beside it is left out.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
python=${PYTHON:-python3} only="" kind=cpu work=""
while [ $# -gt 0 ]; do
    case $1 in
        --only) only=,$2, ;;
        --as) kind=$2 ;;
        --work) work=$2 ;;
        *) echo "all.sh: $1 is not known" >&2; exit 2 ;;
    esac
    shift 2
done
if [ -z "$work" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi
mkdir -p "$work"
mini=$root/models/derrumbe-mini random=$work/random whole=$work/whole both=diffusers,diffusers:compiled
"$python" -c 'import stable_diffusion_cpp' 2>/dev/null && sdcpp=yes || sdcpp=""

# measure NAME OPTIONS...: what --only names, or all.
measure() {
    local name=$1; shift
    [ -z "$only" ] || [[ $only == *,$name,* ]] || return 0
    [[ $name != *sdcpp* ]] || [ -n "$sdcpp" ] || { echo "$name: no stable-diffusion-cpp-python"; return 0; }
    [[ " $* " != *" $random "* ]] || [ -e "$random/model_index.json" ] ||
        "$python" "$root/scripts/bench/random_folder.py" --out "$random"
    [[ " $* " != *" $whole "* ]] || [ -e "$whole/model_index.json" ] ||
        "$python" "$root/scripts/bench/random_folder.py" --out "$whole" --whole-text
    echo "== $name"
    "$python" "$root/scripts/bench/bench.py" --binary "$root/build/release/bin/derrumbe_bench" --name "${name/#cpu/$kind}" "$@"
}

measure cpu_mini_float32_2_threads --model "$mini" --threads 2 --sides $both
measure cpu_mini_bfloat16_2_threads --model "$mini" --threads 2 --sides $both --dtype bfloat16
measure cpu_mini_float32_1_thread --model "$mini" --threads 1 --sides $both --whole 3
measure cpu_mini_bfloat16_192 --model "$mini" --threads 2 --sides $both --dtype bfloat16 --size 192x192 --stages step --whole 0
large=(--model "$random" --threads 2 --dtype bfloat16)
measure cpu_1.3b_bfloat16 "${large[@]}" --sides $both --size 480x272 --frames 17 --stages step --whole 0
measure cpu_1.3b_int8 "${large[@]}" --sides derrumbe,diffusers:compiled --products int8 --size 480x272 --frames 5 --stages step --whole 0
measure cpu_1.3b_vae "${large[@]}" --sides derrumbe --vae-dtype bfloat16 --size 480x272 --frames 5 --stages encode,decode --whole 0
measure cpu_1.3b_whole --model "$whole" --threads 2 --dtype bfloat16 --sides diffusers --size 480x272 --frames 5 --steps 4 --stages '' --whole 3
small=(--frames 5 --steps 4 --stages encode,step,decode)
measure cpu_1.3b_sdcpp_bfloat16 "${large[@]}" --sides sdcpp:bf16 "${small[@]}" --whole 1
measure cpu_1.3b_sdcpp_float32 --model "$random" --threads 2 --sides sdcpp:bf16,sdcpp:q8_0 "${small[@]}" --whole 0
if [ "$kind" = cpu ]; then "$python" "$root/scripts/bench/table.py" --write; fi
