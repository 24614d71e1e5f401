# shellcheck shell=bash
# Reads a list of renders (renders.example.txt); sourced by the scripts beside it.

# renders LIST: the lines that count.
renders() { grep -vE '^[[:space:]]*(#|$)' "$1" || true; }

# render_words LINE: fills the array `words`. xargs knows quotes and expands nothing.
# shellcheck disable=SC2034
render_words() { mapfile -d '' -t words < <(xargs printf '%s\0' <<<"$1"); }
