#!/usr/bin/env bash
# Runs scripts/farm/slurm on a real Slurm of one node, started here and ended again: an array of two renders, the first of
# which meets its time limit, saves its state, is queued again and ends. The program is a stub. Takes about two minutes, the
# least time limit that Slurm has; skipped (77) without Slurm's daemons or root.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
farm=$(cd "$here/../../scripts/farm" && pwd)
PATH=$PATH:/usr/sbin:/sbin
for tool in slurmctld slurmd sbatch; do
    command -v $tool >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }
done
[ "$(id -u)" = 0 ] || { echo "skipped: Slurm's daemons need root"; exit 77; }

work=$(mktemp -d)
daemons=()
cleanup() {
    [ ${#daemons[@]} = 0 ] || kill "${daemons[@]}" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
fail() {
    echo "FAILED: $*"
    tail -n 20 "$work"/*.log 2>/dev/null || true
    exit 1
}

port=$((20000 + RANDOM % 20000))
host=$(hostname -s)
export SLURM_CONF=$work/slurm.conf
mkdir "$work/state" "$work/spool"
cat >"$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/none
CredType=cred/none
SlurmctldPort=$port
SlurmdPort=$((port + 1))
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SchedulerParameters=sched_interval=1,batch_sched_delay=0
ReturnToService=2
KillWait=5
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=test Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
slurmctld -D >"$work/slurmctld.log" 2>&1 &
daemons+=($!)
slurmd -D >"$work/slurmd.log" 2>&1 &
daemons+=($!)
for _ in $(seq 60); do
    [ "$(sinfo -h -o %t 2>/dev/null)" = idle ] && break
    sleep 0.5
done
[ "$(sinfo -h -o %t 2>/dev/null)" = idle ] || fail "the node does not come up"

cd "$work"
printf 'sh010.yaml --set shot.take=1\n\nsh020.yaml\n' >list.txt
# Each element counts its own runs.
cat >stub <<STUB
#!/usr/bin/env bash
export STUB_LOG=$work/calls.\$SLURM_ARRAY_TASK_ID
[ "\$SLURM_ARRAY_TASK_ID" = 1 ] && export STUB_LONG=1
exec $here/stub "\$@"
STUB
chmod +x stub
export DERRUMBE=$work/stub
# The least time limit is a minute; the signal comes up to a minute before --signal says.
job=$("$farm/slurm/submit.sh" list.txt --time=2 --signal=TERM@60 --cpus-per-task=1 --mem=0 --array-limit=2)
echo "job $job"
for second in $(seq 240); do
    # A requeued job waits for two minutes, to let a sick node be found out; this one need not.
    if [ $((second % 5)) = 0 ] && scontrol show job "${job}_1" 2>/dev/null | grep -q 'Restarts=1'; then
        scontrol update "JobId=${job}_1" StartTime=now 2>/dev/null || true
    fi
    [ -n "$(squeue -h -j "$job" -t all -o %T 2>/dev/null | grep -vE 'COMPLETED|FAILED|TIMEOUT|CANCELLED|NODE_FAIL' || true)" ] || break
    sleep 1
done
[ "$(wc -l <calls.1)" = 2 ] || fail "the interrupted render ran $(wc -l <calls.1) times, expected 2"
[ "$(wc -l <calls.2)" = 1 ] || fail "the other render ran $(wc -l <calls.2) times, expected 1"
grep -q 'render|sh010.yaml|--set|shot.take=1|--threads|1|--progress|plain|--log|json|' calls.1 || fail "other arguments"
grep -q 'state saved' derrumbe_*_1.log || fail "the render got no signal"
states=$(squeue -h -j "$job" -t all -o %T | sort | uniq -c | tr -s ' ')
[ "$states" = " 2 COMPLETED" ] || fail "states: $states"
echo ok
