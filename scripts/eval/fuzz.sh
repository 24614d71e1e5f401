#!/usr/bin/env bash
# Fuzzing: builds the targets of tests/fuzz with libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer, and gives each of
# them N inputs, grown from its corpus. A finding is a crash, a sanitizer's report, an exception that is no refusal, a property
# that does not hold, an input of more than a second of processor time, and an allocation above 1 GiB; the input is kept in
# build/fuzz/findings. Writes fuzz.md and fuzz.json; ends with 1 where there is a finding.
#   fuzz.sh [--inputs N] [--only TARGET]... [--seed N] [--out FOLDER] [--merge]
# --inputs: of each target (default 1000000). --only: this target (the default: all of tests/fuzz/CMakeLists.txt); the others'
# rows of the results are kept. --seed: of the mutations (default 1). --out: where the results go (default scripts/eval/results).
# --merge: afterwards adds to the committed corpora what reaches code that they do not reach (no more than 2 KiB an input).
# Needs clang with libFuzzer beside what the build needs (Debian: clang-14 and libclang-rt-14-dev); DERRUMBE_FUZZ_CXX names it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
inputs=1000000 seed=1 out=$here/results only=() merge=
# shellcheck source=scripts/eval/options.sh
source "$here/options.sh" "inputs only+ seed out merge!" "$@"
compiler=${DERRUMBE_FUZZ_CXX:-}
for name in clang++ clang++-{20,19,18,17,16,15,14}; do
    [ -n "$compiler" ] || compiler=$(command -v "$name" || true)
done
echo 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }' >"${TMPDIR:-/tmp}/derrumbe_fuzz_$$.cpp"
trap 'rm -f "${TMPDIR:-/tmp}/derrumbe_fuzz_$$."*' EXIT
if [ -z "$compiler" ] ||
    ! "$compiler" -fsanitize=fuzzer,address "${TMPDIR:-/tmp}/derrumbe_fuzz_$$.cpp" -o "${TMPDIR:-/tmp}/derrumbe_fuzz_$$.out"; then
    echo "clang with libFuzzer is needed (Debian: apt install clang-14 libclang-rt-14-dev); DERRUMBE_FUZZ_CXX names its clang++" >&2
    exit 2
fi
mkdir -p "$out" "$root/build"
build=$root/build/fuzz
cmake -S "$root" -B "$build" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=Debug -DDERRUMBE_FUZZ=ON >"$build.log" ||
    { cat "$build.log" >&2; exit 2; }
cmake --build "$build" --target fuzzers >"$build.log" || { tail -40 "$build.log" >&2; exit 2; }
python3 -B "$here/fuzz.py" --build "$build" --corpora "$root/tests/fuzz/corpus" --inputs "$inputs" --seed "$seed" \
    --out "$(realpath "$out")" --compiler "$compiler" --command "$command" "${only[@]/#/--only=}" ${merge:+--merge}
