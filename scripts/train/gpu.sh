#!/usr/bin/env bash
# More training of the default model on one GPU, from what is committed, with one command: the generator runs on the
# processor's cores while latents are encoded and the transformer trains beside it.
#
# gpu.sh WORK OUT MINUTES [WORKERS]
#
# WORK: a folder with some GB free (footage, latents, checkpoint; the same command goes on where it stopped). OUT gets the
# model folder (derrumbe-mini), a sheet of held-out clips and the logs. MINUTES: how long this run trains. WORKERS: processes
# that generate (default: all cores but two). For a try without a GPU: DEVICE=cpu HELD=2 (held-out clips) LEAST=4 (latents to begin with).
set -euo pipefail -m  # -m: what runs beside is a process group each, so that its workers end with it
here=$(cd "$(dirname "$0")" && pwd)
work=$1 out=$2 minutes=$3 workers=${4:-$(($(nproc) - 2))}
held=${HELD:-17} device=${DEVICE:-cuda} python=${PYTHON:-python3} start=$here/../../models/derrumbe-mini
[ "$device" = cpu ] && batch="--batch-tokens 3600" || batch="--batch 64 --batch-tokens 60000"
mkdir -p "$work" "$out"
cd "$here"
export OMP_NUM_THREADS=1 PYTHONUNBUFFERED=1

footage() { $python make_footage.py --out "$work/footage" --size 128 --frames 49 "$@" >>"$work/footage.log" 2>&1; }
encode() { $python encode_latents.py --vae "$start" --frames 49 --device "$device" --threads 1 "$@" >>"$work/encode.log" 2>&1; }

# The first clip compiles the kernels for all others. What falls straight down is what most shots ask for: half of all.
footage --split held_out --kind down --seed 920000 --count 1 --workers 1
half=$((workers > 1 ? workers / 2 : 1))
helpers=""
stop() { for pid in $helpers; do kill -- "-$pid" 2>/dev/null || true; done; helpers=""; }
trap stop EXIT
footage --kind down --seed 1000000 --count 100000 --workers "$half" & helpers="$helpers $!"
(footage --split held_out --kind any --seed 920100 --count "$((held - 1))" --workers "$half"
 encode --clips "$work/footage/held_out" --out "$work/held" --draws 1
 footage --kind any --seed 2000000 --count 100000 --workers "$half") & helpers="$helpers $!"
encode --clips "$work/footage/train" --out "$work/latents" --draws 3 --watch & helpers="$helpers $!"

until [ "$(find "$work/held" -name '*.npz' 2>/dev/null | wc -l)" -ge "$held" ]; do sleep 1; done
$python train_transformer.py --run "$work/run" --latents "$work/latents" --held "$work/held" --vae "$start" --start "$start" \
    --tokenizer "$start/tokenizer/spiece.model" --more "$minutes" --device "$device" --least-files "${LEAST:-200}" $batch \
    --early-share 0.6 --grey-share 0.06 --other-rate 3e-4 --edge-rate 5e-5 --outside-weight 0.35 --decay 0.15 \
    --save-seconds 60 | tee "$out/train.log"
stop
$python export.py --start "$start" --transformer "$work/run/transformer.pt" --tokenizer "$start/tokenizer/spiece.model" \
    --out "$out/derrumbe-mini" --working-size 128 --steps 3 --guidance 1.5
$python sample.py --model "$out/derrumbe-mini" --clips "$work/footage/held_out" --count 6 --steps 3 --guidance 1.5 \
    --device "$device" --out "$out/sheet.png"
