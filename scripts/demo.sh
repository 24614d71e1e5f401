#!/usr/bin/env bash
# From nothing to a destruction shot: installs what is missing, builds, renders the demo and says where it is.
#   scripts/demo.sh [SHOT.yaml]     default: configs/shots/demo_collapse.yaml
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
shot=$(realpath "${1:-$root/configs/shots/demo_collapse.yaml}")
cd "$root"
scripts/setup.sh
scripts/build.sh release derrumbe
said=$(build/release/derrumbe render "$shot")
log=$(sed -n 's/^log: //p' <<<"$said")
preview=${log%.provenance.json}
build/release/derrumbe preview "$log" -o "$preview.png" >/dev/null
build/release/derrumbe preview "$log" -o "$preview.mp4" >/dev/null
printf '\nframes:  %s\npreview: %s\n         %s\nlog:     %s\n' \
    "$(sed -n 's/^frames: //p' <<<"$said")" "$preview.png" "$preview.mp4" "$log"
