#!/usr/bin/env bash
# Renders a list, one after the other, on this machine: render_list.sh LIST [OPTION of derrumbe render]...
# What was interrupted (75) or had no memory (33) is tried again, three times at most; what cannot work (2, 3, 4, 5) is
# not. Ends with the first code that was not 0, after all of the list. Run again, it goes on: delivered frames are kept.
#   DERRUMBE=PROGRAM   the program (default: derrumbe in PATH)
set -euo pipefail
# shellcheck source=scripts/farm/list.sh
source "$(dirname "$0")/list.sh"

list=${1:?usage: render_list.sh LIST [OPTION]...}
shift
program=${DERRUMBE:-derrumbe}
stopped=0
trap 'stopped=1' INT TERM # the render gets the signal of a terminal itself, saves its state and ends with 75

# attempt WORDS...: one line of the list, with its tries; leaves its exit code in `code`.
attempt() {
    local try
    for try in 1 2 3; do
        code=0
        "$program" render "$@" || code=$?
        case $code in
            75 | 33) [ "$stopped" = 0 ] || return 0 ;;
            *) return 0 ;;
        esac
        printf 'render_list: %s ended with %s (try %s of 3)\n' "$1" "$code" "$try" >&2
    done
}

first=0 done=0 failed=0
while IFS= read -r line <&3; do
    render_words "$line"
    attempt "${words[@]}" "$@"
    if [ "$code" = 0 ]; then done=$((done + 1)); else
        failed=$((failed + 1))
        [ "$first" != 0 ] || first=$code
        printf 'render_list: failed with %s: %s\n' "$code" "$line" >&2
    fi
    [ "$stopped" = 0 ] || break
done 3< <(renders "$list")
printf 'render_list: %s done, %s failed\n' "$done" "$failed" >&2
exit "$first"
