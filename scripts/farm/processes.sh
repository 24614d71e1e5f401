#!/usr/bin/env bash
# Starts N processes of one command on this machine, which share its work (derrumbe's --distributed):
#   processes.sh 4 derrumbe render shot.yaml --distributed
# Each knows its number as torchrun would tell it. Signals go to all of them. Ends with the code of process 0, as if it had
# been alone (torchrun ends with 1, whatever its processes end with).
set -u
count=${1:?usage: processes.sh N COMMAND...}
shift
[[ $count =~ ^[1-9][0-9]*$ ]] && [ $# -gt 0 ] || { echo "usage: processes.sh N COMMAND..." >&2; exit 2; }

# A port that nobody answers at.
port=${MASTER_PORT:-}
while [ -z "$port" ]; do
    port=$((20000 + RANDOM % 12000))
    ! (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || port=""
done

processes=()
signalled() { kill -"$1" ${processes[@]+"${processes[@]}"} 2>/dev/null; }
trap 'signalled TERM' TERM
trap 'signalled INT' INT
for ((rank = 0; rank < count; ++rank)); do
    RANK=$rank LOCAL_RANK=$rank WORLD_SIZE=$count LOCAL_WORLD_SIZE=$count MASTER_ADDR=127.0.0.1 MASTER_PORT=$port "$@" &
    processes+=($!)
done
# A signal ends a wait, not the process waited for.
ended() { local code=0; while wait "$1"; code=$?; kill -0 "$1" 2>/dev/null; do :; done; return $code; }
ended "${processes[0]}"
code=$?
for process in "${processes[@]:1}"; do ended "$process"; done
exit $code
