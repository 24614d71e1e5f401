#!/usr/bin/env bash
# Fault campaign: renders a small shot with a model of random weights while things go wrong, and holds what is left against
# what a render promises. Prints a table of counts and every promise that was broken; ends with 1 if one was.
#   faults.sh [--rounds N] [--only FAULT[,FAULT...]] [--seed N] [--keep] [--out FOLDER] [DERRUMBE]
# --rounds: of each fault that has a random part (default 20; the disk gets as many fill levels, SIGKILL five times as many).
# --keep keeps the folder of every broken promise. --out: where faults.md goes, too (as scripts/eval/results). DERRUMBE: the
# program (default build/release/derrumbe). Faults of the disk need root, for a tmpfs.
#
# After a fault, and again after the same command was run without it:
#   - every file under a frame's final name is, byte for byte, the frame of an undisturbed render;
#   - a log that is there can be read and names no file that is missing or another;
#   - the exit code is the contract's for that fault, and the message names the file that is to blame;
#   - the second run ends with 0, has all frames, has not touched those that were finished, and leaves no state behind.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
rounds=20 only="" seed=$RANDOM keep=0 out=""
# shellcheck source=scripts/eval/options.sh
source "$here/options.sh" "rounds only seed keep! out DERRUMBE" "$@"
results=${out:+$(realpath -m "$out")}
RANDOM=$seed
# shellcheck source=scripts/eval/faults_lib.sh
source "$here/faults_lib.sh"
# shellcheck source=scripts/eval/faults_cases.sh
source "$here/faults_cases.sh"

all=(kill term vanish disk_full read_only truncated_plate odd_size odd_channels not_finite missing_plate truncated_weights
    truncated_config memory)
prepare
printf 'seed %s; an undisturbed render takes %s s\n\n' "$seed" "$undisturbed"
table '| fault | runs | exit codes | finished frames, all kept | broken promises |\n|---|---|---|---|---|\n'
for fault in "${all[@]}"; do
    case ",$only," in ,, | *",$fault,"*) run_fault "$fault" ;; esac
done
table '\n%s runs, %s broken promises\n' "$total" "${#broken[@]}"
[ ${#broken[@]} = 0 ] || table -- '- %s\n' "${broken[@]}"
if [ -n "$results" ]; then
    mkdir -p "$results"
    {
        printf '# What is left when things go wrong\n\n'
        python3 -B "$here/measured.py" "$program" "$command"
        printf '\nSeed %s; an undisturbed render took %s s. What the faults are: scripts/eval/README.md.\n\n' "$seed" "$undisturbed"
        cat "$work/table.md"
    } >"$results/faults.md"
fi
[ ${#broken[@]} = 0 ]
