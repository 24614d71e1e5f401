#!/usr/bin/env bash
# The arithmetic behind scripts/eval/picture.sh; skipped where no Python has its packages.
set -euo pipefail
cd "$(dirname "$0")/../../scripts/eval"
for python in "${DERRUMBE_TEST_PYTHON:-}" ../../.venv/bin/python python3; do
    if [ -n "$python" ] && "$python" -c "import numpy, scipy, skimage" 2>/dev/null; then
        exec "$python" -B -m unittest test_picture_figures
    fi
done
echo "skipped: no Python has numpy, scipy and scikit-image (DERRUMBE_TEST_PYTHON names one)"
exit 77
