#!/usr/bin/env bash
# The generators of footage and the training code; skipped where no Python has their packages (scripts/train/README.md).
set -euo pipefail
cd "$(dirname "$0")/../../scripts/train"
for python in "${DERRUMBE_TEST_PYTHON:-}" ../../.venv/bin/python python3; do
    if [ -n "$python" ] && "$python" -c "import diffusers, numba, scipy, sentencepiece, skimage, transformers" 2>/dev/null; then
        exec "$python" -B -m unittest test_train footage.test_footage physical.test_physical
    fi
done
echo "skipped: no Python has diffusers, numba, scipy, sentencepiece, scikit-image and transformers (DERRUMBE_TEST_PYTHON names one)"
exit 77
