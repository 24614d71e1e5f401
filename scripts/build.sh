#!/usr/bin/env bash
# Configures and builds one preset: scripts/build.sh [PRESET] [TARGET...]; sourced knowledge of demo.sh and test.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-release}
shift || true
# CMake reads the environment variable itself, with the platform's separators; FindLibTorch needs it as a list.
prefixes=${CMAKE_PREFIX_PATH:-}
cmake --preset "$preset" ${prefixes:+-DCMAKE_PREFIX_PATH="${prefixes//:/;}"} ${Torch_DIR:+-DTorch_DIR="$Torch_DIR"} >&2
cmake --build --preset "$preset" ${*:+--target "$@"} >&2
