# shellcheck shell=bash
# The options of the scripts in this folder. A script sets its defaults, then sources this with the names of what it takes and the
# words that it was given: source "$here/options.sh" "steps out only+ keep! DERRUMBE" "$@".
#   NAME: `--NAME VALUE` sets the variable NAME. NAME+: each one is added to the array NAME. NAME!: `--NAME` sets NAME to 1.
#   DERRUMBE: a word without dashes is the program; `program` is its path (default build/release/derrumbe).
# `command` is the command as results print it, without this machine's folders. --help prints the script's head, up to its first
# line of comment that is empty.
# shellcheck disable=SC2034,SC2154  # the variables are the script's
options_usage() { awk 'NR > 1 { if (!/^# /) exit; print substr($0, 3) }' "$0"; exit "$1"; }

# python_with PACKAGE...: a Python that can import all of them: $DERRUMBE_EVAL_PYTHON, else .venv's, else python3; ends the script
# where none is.
python_with() {
    local python imports
    imports=$(IFS=,; echo "import $*")
    for python in "${DERRUMBE_EVAL_PYTHON:-}" "$root/.venv/bin/python" python3; do
        if [ -n "$python" ] && "$python" -c "$imports" 2>/dev/null; then echo "$python"; return; fi
    done
    echo "no Python has all of: $* (DERRUMBE_EVAL_PYTHON names one)" >&2
    exit 2
}

options_taken=" $1 "
shift
command=$(sed -E 's#(^| )/[^ ]*/#\1#g' <<<"scripts/eval/$(basename "$0")${*:+ $*}")
program=$root/build/release/derrumbe
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) options_usage 0 ;;
        --[a-z]*) option=${1#--} ;;
        -*) options_usage 2 >&2 ;;
        *)
            case $options_taken in *" DERRUMBE "*) program=$1 ;; *) options_usage 2 >&2 ;; esac
            shift
            continue ;;
    esac
    shift
    case $options_taken in
        *" $option! "*) printf -v "$option" 1 && continue ;;
        *" $option "* | *" $option+ "*) ;;
        *) options_usage 2 >&2 ;;
    esac
    [ -n "${1:-}" ] || { echo "--$option takes a value" >&2; exit 2; }
    case $options_taken in
        *" $option+ "*) declare -n options_list=$option && options_list+=("$1") && unset -n options_list ;;
        *) printf -v "$option" %s "$1" ;;
    esac
    shift
done
case $options_taken in
    *" DERRUMBE "*)
        [ -x "$program" ] || { echo "$program: no such program" >&2; exit 2; }
        program=$(realpath "$program") ;;
esac
