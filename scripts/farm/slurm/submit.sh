#!/usr/bin/env bash
# Submits a list of renders to Slurm as one array job: submit.sh LIST [OPTION of sbatch]..., e.g.
#   submit.sh renders.txt --partition=gpu --gres=gpu:1 --array-limit=4
# --ntasks=4 --gpus-per-task=1 lets four processes share each render. --array-limit=N runs at most N at once. Prints the job's number.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/farm/list.sh
source "$here/../list.sh"

list=${1:?usage: submit.sh LIST [OPTION of sbatch]...}
shift
limit="" options=()
for option in "$@"; do
    case $option in
        --array-limit=*) limit=%${option#*=} ;;
        *) options+=("$option") ;;
    esac
done
count=$(renders "$list" | wc -l)
[ "$count" -gt 0 ] || { echo "$list: no line to render" >&2; exit 2; }
exec sbatch --parsable --array="1-$count$limit" ${options[@]+"${options[@]}"} "$here/derrumbe.sbatch" \
    "$(realpath "$list")" "$here/.."
