#!/usr/bin/env bash
# More training of the default model on one GPU, from what is committed, with one command: the generator runs on the
# processor's cores while the transformer and the VAE's decoder train on the clips that are there so far.
#
# gpu.sh WORK OUT MINUTES [WORKERS]
#
# WORK: a folder with some GB free (footage, checkpoints; the same command goes on where it stopped). OUT gets the model folder
# (derrumbe-mini), a sheet of held-out clips and the logs. MINUTES: how long all of this may take but the sheet; training gets
# what is left of it. WORKERS: processes that generate (default: all cores but three). SIZE: of the clips, and the model's working
# size. LAYERS: go on with so many (a multiple of what is there). SEED: of the first clips. KINDS: what they show, an equal share of
# the workers each (make_footage.py's --kind). Clips that lie in WORK/footage/train already count too. SHARPEN=0: the decoder stays. ENCODER: the VAE's encoder learns along in the
# first third of the time, at this rate, and its decoder by reconstruction (train_vae.py); without it the encoder stays, and the
# decoder learns with a critic in the last half (sharpen_decoder.py). For a try without a GPU: DEVICE=cpu LEAST=4 (clips to begin with) BATCH=2.
set -euo pipefail -m  # -m: what runs beside is a process group each, so that its workers end with it
here=$(cd "$(dirname "$0")" && pwd)
work=$1 out=$2 minutes=$3 workers=${4:-$(($(nproc) - 3))}
device=${DEVICE:-cuda} least=${LEAST:-40} batch=${BATCH:-64} python=${PYTHON:-python3} start=$here/../../models/derrumbe-mini
kinds=(${KINDS:-down any any}) sharpen=${SHARPEN:-0.52} layers=${LAYERS:-} encoder=${ENCODER:-} seed=${SEED:-5000000} size=${SIZE:-192} rate=${RATE:-1.2e-3}
mkdir -p "$work" "$out"
cd "$here"
export OMP_NUM_THREADS=1 PYTHONUNBUFFERED=1

footage() { $python make_footage.py --out "$work/footage" --size "$size" --frames 49 "$@" >>"$out/footage.log" 2>&1; }
count() { find "$1" -name '*.npz' 2>/dev/null | wc -l; }

# The first clip compiles the kernels for all others.
footage --split held_out --kind down --seed 920000 --count 1 --workers 1
helpers=""
stop() { for pid in $helpers; do kill -- "-$pid" 2>/dev/null || true; done; helpers=""; }
trap stop EXIT
held=$((least < 8 ? least : 8)) half=$(((workers + 1) / 2)) each=$(((workers + ${#kinds[@]} - 1) / ${#kinds[@]}))
(footage --split held_out --kind down --seed 920000 --count "$held" --workers "$half"
 footage --split held_out --kind any --seed 920100 --count "$held" --workers "$half" && touch "$work/held") &
helpers="$helpers $!"
for number in "${!kinds[@]}"; do
    (until [ -e "$work/held" ]; do sleep 0.5; done
     footage --kind "${kinds[number]}" --seed $((seed + 1000000 * number)) --count 100000 --workers "$each") & helpers="$helpers $!"
done
until [ -e "$work/held" ] && [ "$(count "$work/footage/train")" -ge "$least" ]; do sleep 1; done

left=$(awk "BEGIN {print $minutes - $SECONDS / 60 - 0.6}")
follow=() vae=
if [ -n "$encoder" ]; then
    $python train_vae.py --run "$work/vae" --clips "$work/footage/train" --start "$start" --live --rate 4e-4 \
        --encoder-rate "$encoder" --encoder-share 0.5 --ema 0.99 --more "$(awk "BEGIN {print 0.6 * $left}")" --device "$device" \
        --batch "$batch" --save-seconds 20 >"$out/train_vae.log" 2>&1 &
    vae=$! follow=(--follow-vae "$work/vae/vae.pt")
elif [ "$sharpen" != 0 ]; then
    # It takes half of the GPU while it runs, and learns from a transformer that knows these clips already.
    (sleep "$(awk "BEGIN {print 60 * (0.97 - $sharpen) * $left}")"
     exec $python sharpen_decoder.py --run "$work/vae" --model "$start" --clips "$work/footage/train" --follow "$work/run/transformer.pt" \
        --least-files "$least" --minutes "$(awk "BEGIN {print $sharpen * $left}")" --device "$device" --save-seconds 60 \
        >"$out/train_vae.log" 2>&1) &
    vae=$!
fi
helpers="$helpers $vae"
$python train_transformer.py --run "$work/run" --clips "$work/footage/train" --held "$work/footage/held_out" --vae "$start" \
    --start "$start" "${follow[@]}" --tokenizer "$start/tokenizer/spiece.model" --more "$left" --device "$device" \
    --least-files "$least" --batch "$batch" --batch-tokens 1000000 --live-samples 3072 --renew 16 ${layers:+--grow-layers "$layers"} \
    --compile --text-rows 63 --early-share 0.25 --grey-share 0.06 --rate "$rate" --other-rate 5e-4 --edge-rate 1e-4 \
    --outside-weight 0.35 --decay 0.6 --held-steps 500 --save-seconds 60 | tee "$out/train.log"
decoder=()
[ -z "$vae" ] || ! wait "$vae" || decoder=(--vae "$work/vae/vae.pt")
stop
$python export.py --start "$start" "${decoder[@]}" --transformer "$work/run/transformer.pt" --tokenizer "$start/tokenizer/spiece.model" \
    --out "$out/derrumbe-mini" --working-size "$size" --steps 3 --guidance 1.5
$python sample.py --model "$out/derrumbe-mini" --clips "$work/footage/held_out" --count 6 --steps 3 --guidance 1.5 \
    --device "$device" --out "$out/sheet.png"
