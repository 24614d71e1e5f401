#!/usr/bin/env bash
# Submits one shot to Deadline 10 as a job of its CommandLine plugin:
#   submit.sh SHOT.yaml --frames 1001-1049 [--chunk N] [--name N] [--pool P] [--group G] [--priority N]
#             [--program DERRUMBE] [--option "OPTION of derrumbe render"]... [--print FOLDER]
# Without --chunk one task renders the whole shot, which does the denoising once (see README.md).
# --print FOLDER writes the two files of the job there and submits nothing.
set -euo pipefail

usage() { sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }

shot="" frames="" chunk=1000000 name="" pool=none group=none priority=50 program=derrumbe print="" extra=""
while [ $# -gt 0 ]; do
    case $1 in
        --frames | --chunk | --name | --pool | --group | --priority | --program | --print | --option)
            [ $# -ge 2 ] || usage
            case $1 in
                --option) extra+=" $2" ;;
                *) printf -v "${1#--}" %s "$2" ;;
            esac
            shift
            ;;
        -*) usage ;;
        *) shot=$1 ;;
    esac
    shift
done
[ -n "$shot" ] && [ -n "$frames" ] || usage
[ -f "$shot" ] || { echo "$shot: no such shot file" >&2; exit 2; }
shot=$(realpath "$shot")
case $shot$extra in *$'\n'*) echo "line ends cannot be submitted" >&2; exit 2 ;; esac
: "${name:=$(basename "$shot" .yaml)}"

folder=$print
if [ -z "$folder" ]; then
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
fi
mkdir -p "$folder"
cat >"$folder/job_info.job" <<JOB
Plugin=CommandLine
Name=derrumbe $name
Frames=$frames
ChunkSize=$chunk
Pool=$pool
Group=$group
Priority=$priority
OverrideJobFailureDetection=true
FailureDetectionJobErrors=20
JOB
# ShellExecute runs it as a managed process, whose progress lines Deadline reads. <QUOTE> and the frames are Deadline's.
# A worker of Deadline ends a task by killing it: delivered frames and denoising state stay, the next one goes on.
cat >"$folder/plugin_info.job" <<JOB
ShellExecute=True
Shell=default
SingleFramesOnly=False
StartupDirectory=$(dirname "$shot")
Arguments=exec $program render <QUOTE>$shot<QUOTE> --frames <STARTFRAME>-<ENDFRAME>$extra --progress deadline --log json
JOB
if [ -n "$print" ]; then
    echo "$folder/job_info.job" "$folder/plugin_info.job"
else
    deadlinecommand "$folder/job_info.job" "$folder/plugin_info.job"
fi
