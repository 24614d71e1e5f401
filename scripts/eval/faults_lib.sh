# shellcheck shell=bash
# What the faults of faults.sh share: the shot, its undisturbed render, and the promises. Sourced.
# shellcheck disable=SC2154

work=$(mktemp -d)
mounts=()
broken=() total=0 kept_folders=0
cleanup() {
    local mount
    for mount in ${mounts[@]+"${mounts[@]}"}; do umount "$mount" 2>/dev/null || true; done
    [ "$kept_folders" = 0 ] && rm -rf "$work" || echo "folders of broken promises: $work" >&2
}
trap cleanup EXIT

# Plates with values above 1 that move, a matte, a shot of a few seconds and a model of random weights.
prepare() {
    local frame
    mkdir -p "$work/clean/plates" "$work/clean/mattes"
    cd "$work/clean"
    cp -r "$root/tests/model/fixtures/pipeline_0" model
    for frame in $(seq 1001 1007); do
        oiiotool --pattern fill:topleft=0.1,0.2,0.4,1:topright=0.6,0.5,0.4,1:bottomleft=0.2,0.15,0.1,1:bottomright=4,3,2,1 96x64 4 \
            --fill:color=0.05,0.3,0.1,1 16x20+$((frame % 7 * 3))+30 -d half -o "plates/p.$frame.exr"
        oiiotool --create 96x64 1 --chnames A --fill:color=1 40x30+28+16 -d half -o "mattes/m.$frame.exr"
    done
    cat >shot.yaml <<'YAML'
version: 1
shot: {show: faults, name: case, take: 1}
frames: 1001-1007
plate: {path: plates/p.####.exr, colorspace: ACEScg}
matte: {path: mattes/m.####.exr, grow: 2, feather: 3}
prompt: "the building collapses into dust"
onset: 1003
model: {path: model}
sampler: {steps: 120, guidance: 1.0, seed: 7}
output: {path: out/c.####.exr}
provenance: {path: out/c.provenance.json}
YAML
    local begin=$EPOCHREALTIME last=0 now
    place=()
    begin
    while now=$(used "$pid"); [ -n "$now" ]; do
        last=$now
        sleep 0.005
    done
    end
    [ "$code" = 0 ] || { cat err.txt; echo "an undisturbed render fails" >&2; exit 2; }
    undisturbed=$(awk "BEGIN {printf \"%.2f\", $EPOCHREALTIME - $begin}")
    work_ticks=$last
    mv out reference
}

# fresh: a new copy of the shot, which becomes the working folder; `out` is where its frames go.
fresh() {
    case_folder=$work/$fault.$round
    cp -r "$work/clean" "$case_folder"
    cd "$case_folder"
    rm -rf reference
    out=$case_folder/out place=()
}

# on_tmpfs SIZE: frames and log go to a file system of that size (bytes).
on_tmpfs() {
    out=$case_folder/disk
    mkdir -p "$out"
    mount -t tmpfs -o "size=$1" tmpfs "$out"
    mounts+=("$out")
    place=(--set "output.path=$out/c.####.exr" --set "provenance.path=$out/c.provenance.json")
}

# render [WRAPPER...]: the render; its exit code in `code`.
render() {
    code=0
    "$@" "$program" render shot.yaml --threads 1 "${place[@]}" >out.txt 2>err.txt || code=$?
}
# begin: the same in the background, as `pid`; end: waits for it.
begin() {
    "$program" render shot.yaml --threads 1 "${place[@]}" >out.txt 2>err.txt &
    pid=$!
}
end() {
    code=0
    wait "$pid" 2>/dev/null || code=$?
}
# used PID: processor time that a process has used, in clock ticks; nothing once it is gone.
used() { { awk '{sub(/.*\) /, ""); print $12 + $13}' "/proc/$1/stat"; } 2>/dev/null || true; }
# moment: waits for a random part of a render. By the processor time that it has used, so that a machine that does other
# things meanwhile does not move all moments to its beginning.
moment() {
    local until=$((work_ticks * RANDOM / 32768)) now
    while now=$(used "$pid"); [ -n "$now" ] && [ "$now" -lt "$until" ]; do
        sleep 0.005
    done
}

# breaks WHAT: a promise was broken in this round.
breaks() {
    broken+=("$fault, round $round: $1 [exit $code: $(grep -m 1 -E 'error|terminate|Assert' err.txt 2>/dev/null | cut -c 1-200 || true)]")
    broken_here=1
}
allows() {
    local allowed
    for allowed in "$@"; do [ "$code" = "$allowed" ] && return 0; done
    breaks "exit code $code, expected $*"
}
names() { [ "$code" = 0 ] || grep -qF -- "$1" err.txt || breaks "the message does not name $1"; }

# whole: nothing that looks finished is wrong.
whole() {
    local file
    for file in "$out"/c.[0-9]*.exr; do
        [ -e "$file" ] || continue
        cmp -s "$file" "$work/clean/reference/$(basename "$file")" || breaks "$(basename "$file") is not the undisturbed render's ($1)"
    done
    file=$out/c.provenance.json
    [ -e "$file" ] || return 0
    local verified=0 named
    # Inputs may be what was broken: the delivered files alone.
    "$program" verify "$file" --delivered-only >verify.txt 2>&1 || verified=$?
    case $verified in
        0) ;;
        6)
            # That the render failed, and of what, is the log's to say.
            named=$(grep -v 'the render that wrote this log failed' verify.txt | grep -m 1 -E 'SHA-256 is|is not there|cannot be' || true)
            [ -z "$named" ] || breaks "the log names another file ($1): $named"
            ;;
        *) breaks "the log cannot be read ($1): $(head -n 1 verify.txt)" ;;
    esac
}

finished() { { find "$out" -maxdepth 1 -name 'c.[0-9]*.exr' -printf '%f %i %T@\n' 2>/dev/null || true; } | sort; }

# mended: the same command without the fault ends well, and finished frames are not touched.
mended() {
    local before=$work/before after=$work/after first=$code
    finished >"$before"
    kept=$((kept + $(wc -l <"$before")))
    render
    [ "$code" = 0 ] || breaks "does not go on (after exit $first)"
    finished >"$after"
    [ -z "$(comm -23 "$before" "$after")" ] || breaks "a finished frame was rendered again"
    [ "$(wc -l <"$after")" = 7 ] || breaks "$(wc -l <"$after") frames of 7 in the end"
    whole "after going on"
    if [ -e "$out/.derrumbe" ]; then breaks "state is left behind"; fi
    local partials
    partials=$(find "$out" -maxdepth 1 -type f ! -name 'c.[0-9]*.exr' ! -name 'c.provenance.json' ! -name fill | wc -l)
    litter=$((litter + partials))
}

# table FORMAT WORD...: prints, and keeps for the results.
table() {
    [ "$1" != -- ] || shift
    # shellcheck disable=SC2059
    printf -- "$@" | tee -a "$work/table.md"
}

# run_fault NAME: its rounds, and its line of the table.
run_fault() {
    fault=$1
    local codes=() before=${#broken[@]} count=$rounds
    kept=0 litter=0 slowest=""
    if [ "$(type -t "rounds_$fault")" = function ]; then count=$("rounds_$fault"); fi
    for round in $(seq "$count"); do
        broken_here=0 pid=0 code=0
        fresh
        "fault_$fault"
        cd "$work"
        while [ ${#mounts[@]} -gt 0 ]; do
            umount "${mounts[-1]}" 2>/dev/null || true
            unset 'mounts[-1]'
        done
        codes+=("$seen")
        total=$((total + 1))
        if [ "$broken_here" = 1 ] && [ "$keep" = 1 ]; then kept_folders=$((kept_folders + 1)); else rm -rf "$case_folder"; fi
    done
    local summary="left out: needs root" leftover=""
    if [ "$count" -gt 0 ]; then
        summary=$(printf '%s\n' "${codes[@]}" | sort -n | uniq -c | awk '{printf("%s%s ×%s", (NR > 1 ? ", " : ""), $2, $1)}')
    fi
    [ -z "$slowest" ] || summary="$summary; ends at most $slowest s after the signal"
    [ "$litter" = 0 ] || leftover=" ($litter temporaries left)"
    table '| %s | %s | %s | %s%s | %s |\n' "${fault//_/ }" "$count" "$summary" "$kept" "$leftover" $((${#broken[@]} - before))
}
