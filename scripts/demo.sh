#!/usr/bin/env bash
# From nothing to a destruction shot: installs what is missing, builds, renders the demo and says where it is.
#   scripts/demo.sh [SHOT.yaml]     default: configs/shots/demo_collapse.yaml
set -euo pipefail
cd "$(dirname "$0")/.."
shot=${1:-configs/shots/demo_collapse.yaml}
scripts/setup.sh
scripts/build.sh release derrumbe
build/release/derrumbe render "$shot" | tee /dev/stderr >build/demo.out
log=$(sed -n 's/^log: //p' build/demo.out)
preview=${log%.provenance.json}
build/release/derrumbe preview "$log" -o "$preview.png"
build/release/derrumbe preview "$log" -o "$preview.mp4"
printf '\nframes:  %s\npreview: %s\n         %s\nlog:     %s\n' \
    "$(sed -n 's/^frames: //p' build/demo.out)" "$preview.png" "$preview.mp4" "$log"
