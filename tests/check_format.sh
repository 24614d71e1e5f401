#!/usr/bin/env bash
# clang-format over every C++ file of ours; prints the files that differ.
set -u
cd "$(dirname "$0")/.."
if ! command -v clang-format >/dev/null; then
    echo "clang-format is not installed: skipped"
    exit 0
fi
find src tests scripts -name '*.h' -o -name '*.cpp' | sort | xargs clang-format --dry-run -Werror
