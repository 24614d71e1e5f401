#!/usr/bin/env bash
# More training of the default model on one GPU, from what is committed, with one command: the generator runs on the
# processor's cores while the transformer and the VAE's decoder train on the clips that are there so far.
#
# gpu.sh WORK OUT MINUTES [WORKERS]
#
# WORK: a folder with some GB free (footage, checkpoints; the same command goes on where it stopped). OUT gets the model folder
# (derrumbe-mini), a sheet of held-out clips and the logs. MINUTES: how long all of this may take; training gets what is left
# of it. WORKERS: processes that generate (default: all cores but three). For a try without a GPU: DEVICE=cpu LEAST=4 (clips to
# begin with) BATCH=2.
set -euo pipefail -m  # -m: what runs beside is a process group each, so that its workers end with it
here=$(cd "$(dirname "$0")" && pwd)
work=$1 out=$2 minutes=$3 workers=${4:-$(($(nproc) - 3))}
device=${DEVICE:-cuda} least=${LEAST:-160} batch=${BATCH:-64} python=${PYTHON:-python3} start=$here/../../models/derrumbe-mini
mkdir -p "$work" "$out"
cd "$here"
export OMP_NUM_THREADS=1 PYTHONUNBUFFERED=1

footage() { $python make_footage.py --out "$work/footage" --size 128 --frames 49 "$@" >>"$out/footage.log" 2>&1; }
count() { find "$1" -name '*.npz' 2>/dev/null | wc -l; }

# The first clip compiles the kernels for all others. What falls straight down is what most shots ask for: half of all.
footage --split held_out --kind down --seed 920000 --count 1 --workers 1
half=$(((workers + 1) / 2))
helpers=""
stop() { for pid in $helpers; do kill -- "-$pid" 2>/dev/null || true; done; helpers=""; }
trap stop EXIT
held=$((least < 8 ? least : 8))
(footage --split held_out --kind down --seed 920000 --count "$held" --workers "$half"
 footage --kind down --seed 1000000 --count 100000 --workers "$half") & helpers="$helpers $!"
(footage --split held_out --kind any --seed 920100 --count "$held" --workers "$half"
 until [ "$(count "$work/footage/held_out")" -ge "$((2 * held))" ]; do sleep 1; done
 $python encode_latents.py --vae "$start" --clips "$work/footage/held_out" --out "$work/held" --frames 49 --draws 1 --threads 1 \
     --device "$device" >"$out/encode.log" 2>&1 && touch "$work/held/all"
 footage --kind any --seed 2000000 --count 100000 --workers "$half") & helpers="$helpers $!"
until [ -e "$work/held/all" ] && [ "$(count "$work/footage/train")" -ge "$least" ]; do sleep 1; done

left=$(awk "BEGIN {print $minutes - $SECONDS / 60 - 1}")
$python train_vae.py --run "$work/vae" --clips "$work/footage/train" --start "$start" --decoder-only --rate 4e-4 --more "$left" \
    --device "$device" --batch "$((batch / 2))" --save-seconds 60 >"$out/train_vae.log" 2>&1 &
vae=$!
helpers="$helpers $vae"
$python train_transformer.py --run "$work/run" --clips "$work/footage/train" --held "$work/held" --vae "$start" --start "$start" \
    --tokenizer "$start/tokenizer/spiece.model" --more "$left" --device "$device" --least-files "$least" --batch "$batch" \
    --batch-tokens 1000000 --early-share 0.5 --grey-share 0.06 --rate 1.5e-3 --other-rate 5e-4 --edge-rate 1e-4 --outside-weight 0.35 \
    --decay 0.6 --renew 16 --held-steps 500 --save-seconds 60 | tee "$out/train.log"
wait "$vae" && decoder=(--vae "$work/vae/vae.pt") || decoder=()
stop
$python export.py --start "$start" "${decoder[@]}" --transformer "$work/run/transformer.pt" --tokenizer "$start/tokenizer/spiece.model" \
    --out "$out/derrumbe-mini" --working-size 128 --steps 3 --guidance 1.5
$python sample.py --model "$out/derrumbe-mini" --clips "$work/footage/held_out" --count 6 --steps 3 --guidance 1.5 \
    --device "$device" --out "$out/sheet.png"
