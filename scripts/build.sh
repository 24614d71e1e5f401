#!/usr/bin/env bash
# Configures and builds one preset: scripts/build.sh [PRESET] [TARGET...]; sourced knowledge of demo.sh and test.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-release}
shift || true
cmake --preset "$preset" ${CMAKE_PREFIX_PATH:+-DCMAKE_PREFIX_PATH="$CMAKE_PREFIX_PATH"} ${Torch_DIR:+-DTorch_DIR="$Torch_DIR"} >&2
cmake --build --preset "$preset" ${*:+--target "$@"} >&2
