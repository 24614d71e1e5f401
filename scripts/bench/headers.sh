#!/usr/bin/env bash
# Copies the two header-only libraries that the model-only build needs beside LibTorch (nlohmann-json, Catch2 2) to
# FOLDER/include, for a machine that has no packages of them; there FOLDER is named in CMAKE_PREFIX_PATH.
#
# headers.sh [FOLDER]     default .headers
set -euo pipefail
cd "$(dirname "$0")/../.."
to=${1:-.headers}/include from=${HEADERS_FROM:-/usr/include}
mkdir -p "$to/catch2"
cp -r "$from/nlohmann" "$to/"
cp "$from/catch2/catch.hpp" "$to/catch2/"
