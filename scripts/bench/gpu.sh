#!/usr/bin/env bash
# The model library on a GPU with one command and nothing to fetch: builds it against the installed torch, compares it with
# the fixtures there, and measures it beside diffusers. Ends within LIMIT seconds, whatever happens, with what it has in OUT.
#
# gpu.sh OUT
#
# Needed: a CUDA torch (python3), cmake, ninja, a compiler, diffusers and transformers; .headers (headers.sh) where
# nlohmann-json and Catch2 are not installed. BIG: a folder of 14B's dimensions, for a step of it beside diffusers and with
# products in 8 bits (both sides' weights are 70 GB on the card); written where it is not there (36 GB: /dev/shm is fastest). It
# wants LIMIT=500 or so. For a try without a GPU: DEVICE=cpu TINY=1.
set -uo pipefail
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."
device=${DEVICE:-cuda} limit=${LIMIT:-170} python=${PYTHON:-python3} jobs=${JOBS:-$(nproc)} work=${WORK:-/tmp/derrumbe_bench}
tiny=${TINY:-} big=${BIG:-} build=${BUILD:-$work/build} random=$work/random
repeats=5 large=832x480 long=81 size=480x272 frames=17
[ -z "$tiny" ] || { repeats=1 large=64x64 long=5 size=64x64 frames=5; }
export PYTHONUNBUFFERED=1 HF_HUB_OFFLINE=1
mkdir -p "$work"

left() { echo $((limit - SECONDS)); }
# part NAME SECONDS COMMAND...: into OUT/NAME.log, ended after SECONDS or when the time is over.
part() {
    local name=$1 most=$2 begin=$SECONDS; shift 2
    [ "$most" -le "$(left)" ] || most=$(left)
    [ "$most" -gt 1 ] || { echo "$name: no time left"; return 1; }
    timeout -k 2 "$most" "$@" >"$out/$name.log" 2>&1
    local status=$?
    echo "$name: exit $status after $((SECONDS - begin)) s"
    return $status
}
measure() {  # name, then options of bench.py
    local name=$1; shift
    part "$name" "$(left)" "$python" scripts/bench/bench.py --binary "$build/bin/derrumbe_bench" --device "$device" \
        --repeats "$repeats" --whole 0 --results "$out" --name "$name" --seconds "$(($(left) - 15))" "$@"
}

torch=$($python -c "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])")
(command -v nvidia-smi >/dev/null && nvidia-smi; nproc; $python --version; grep __version__ "$torch/version.py") >"$out/machine.log" 2>&1
# The random weights are written while the compiler works.
weights() {  # name, folder, seconds, options of random_folder.py
    local name=$1 folder=$2 most=$3; shift 3
    [ -e "$folder/model_index.json" ] ||
        part "$name" "$most" "$python" scripts/bench/random_folder.py --out "$folder" --device "$device" ${tiny:+--tiny} "$@"
}
{
    weights random "$random" 60
    [ -z "$big" ] || weights big "$big" 150 --size 14b
} &
# Without our kernels where nvcc does not take them: the rest is measured all the same.
make() {  # name, then options of cmake
    local name=$1; shift
    part "configure$name" 30 cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DDERRUMBE_MODEL_ONLY=ON \
        -DCMAKE_PREFIX_PATH="$PWD/.headers;$torch" "$@" &&
        part "build$name" 120 ninja -C "$build" -j "$jobs" derrumbe_bench test_model
}
make "" || { tail -n 30 "$out/configure.log" "$out/build.log"; make _plain -DDERRUMBE_CARD_KERNELS=OFF; }
wait

part parity 40 env DERRUMBE_TEST_DEVICE="$device" DERRUMBE_PRINT_ERRORS=1 "$build/bin/test_model" "[device]"
tail -n 3 "$out/parity.log"
part attention 30 "$python" scripts/bench/attention.py --device "$device" ${tiny:+--tokens 512}
cat "$out/attention.log"
# What the goals are about first; then a short clip, then derrumbe-mini.
measure wan_1.3b_480p_81 --model "$random" --dtype bfloat16 --stages step --sides diffusers,diffusers:compiled \
    --size "$large" --frames "$long"
[ "$(left)" -lt 30 ] || measure wan_1.3b_480p_81_fp8 --model "$random" --dtype bfloat16 --stages step --products fp8 --sides derrumbe \
    --size "$large" --frames "$long"
if [ -n "$big" ]; then
    [ "$(left)" -lt 90 ] || measure wan_14b_480p_81 --model "$big" --dtype bfloat16 --stages step --sides diffusers \
        --size "$large" --frames "$long" --repeats 3
    [ "$(left)" -lt 60 ] || measure wan_14b_480p_81_fp8 --model "$big" --dtype bfloat16 --stages step --products fp8 \
        --sides derrumbe --size "$large" --frames "$long" --repeats 3
fi
[ "$(left)" -lt 30 ] || measure wan_1.3b_bfloat16 --model "$random" --dtype bfloat16 --size "$size" --frames "$frames"
for dtype in bfloat16 float32; do
    [ "$(left)" -lt 20 ] || measure "mini_$dtype" --model models/derrumbe-mini --dtype $dtype ${tiny:+--size "$size" --frames "$frames"}
done
for table in "$out"/*.md; do cat "$table"; done
exit 0
