#!/usr/bin/env bash
# The FLIP of `compare` against the package of the metric's authors (flip-evaluator) on pictures drawn at random, to 1e-4.
# Skipped where no Python has it; the values in tests/cli/compare_gives_the_flip_of_its_authors are checked everywhere.
#   flip.sh DERRUMBE [--pairs N] [--seed N]
set -euo pipefail
cd "$(dirname "$0")/../.."
program=$(realpath "$1")
shift
for python in "${DERRUMBE_TEST_PYTHON:-}" .venv/bin/python python3; do
    if [ -n "$python" ] && "$python" -c "import flip_evaluator, numpy" 2>/dev/null; then
        exec "$python" -B tests/eval/flip.py "$program" "$@"
    fi
done
echo "skipped: no Python has flip-evaluator (DERRUMBE_TEST_PYTHON names one)"
exit 77
