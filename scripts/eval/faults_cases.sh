# shellcheck shell=bash
# The faults of faults.sh, one function each: makes it happen, says what is allowed, and notes the code as `seen`. Sourced.
# shellcheck disable=SC2154,SC2034

has_root() { [ "$(id -u)" = 0 ]; }
# any FILE...: one of them, at random.
any() { shift $((RANDOM % $#)); printf '%s' "$1"; }
# cut_file FILE: truncates it at a random byte.
cut_file() { truncate -s $(((RANDOM * 32768 + RANDOM) % $(stat -c %s "$1"))) "$1"; }
# restore PATH: as it was.
restore() { rm -rf "$1" && cp -r "$work/clean/$1" "$1"; }

# The render's own death is what all else stands on: five times as many.
rounds_kill() { echo $((rounds > 1 ? 5 * rounds : 1)); }
fault_kill() {
    begin
    moment
    kill -KILL "$pid" 2>/dev/null || true
    end
    seen=$code
    allows 137 0
    whole "killed"
    mended
}

fault_term() {
    begin
    moment
    local asked=$EPOCHREALTIME
    kill -TERM "$pid" 2>/dev/null || true
    end
    local waited
    waited=$(awk "BEGIN {printf \"%.2f\", $EPOCHREALTIME - $asked}")
    slowest=$(printf '%s\n' "${slowest:-0}" "$waited" | sort -g | tail -n 1)
    [ "${waited%.*}" -lt 5 ] || breaks "ends $waited s after SIGTERM"
    seen=$code
    # 143: the signal came before any of the program could run; the loader was still at its libraries.
    allows 75 0 143
    whole "interrupted"
    mended
}

# Every other time as soon as a frame is there, which a random moment seldom meets.
fault_vanish() {
    begin
    if [ $((round % 2)) = 0 ]; then
        while kill -0 "$pid" 2>/dev/null && [ ! -e "$out/c.1001.exr" ]; do sleep 0.005; done
    else
        moment
    fi
    until rm -rf "$out" 2>/dev/null; do :; done
    end
    seen=$code
    allows 0 5
    [ "$code" = 0 ] || names out
    whole "folder gone"
    mended
}

rounds_disk_full() { if has_root; then echo "$rounds"; else echo 0; fi; }
fault_disk_full() {
    # What a render needs at most: frames, log, state; from nothing to a little more than that.
    local size=$((640 << 10)) free
    free=$((size * (round - 1) / (rounds > 1 ? rounds - 1 : 1) / 4096 * 4096))
    on_tmpfs "$size"
    [ "$free" -ge "$size" ] || head -c $((size - free)) /dev/zero >"$out/fill"
    render
    seen=$code
    allows 0 5
    names "$out"
    whole "disk full"
    rm -f "$out/fill"
    mount -o "remount,size=$((4 << 20))" "$out"
    mended
}

rounds_read_only() { if has_root; then echo 1; else echo 0; fi; }
fault_read_only() {
    on_tmpfs $((1 << 20))
    mount -o remount,ro "$out"
    render
    seen=$code
    allows 5
    names "$out"
    whole "read-only"
    mount -o remount,rw "$out"
    mended
}

# input FILE: what a broken input file gives: 3, the file's name, and no frame that is wrong.
input() {
    render
    seen=$code
    allows 3
    names "$(basename "$1")"
    whole "broken input"
    restore "$(dirname "$1")"
    mended
}

fault_truncated_plate() {
    local file
    file=$(any plates/*.exr mattes/m.100[3-7].exr)
    cut_file "$file"
    input "$file"
}
fault_missing_plate() {
    local file
    file=$(any plates/*.exr mattes/m.100[3-7].exr)
    rm "$file"
    input "$file"
}
fault_odd_size() {
    local file
    file=$(any plates/p.100[2-7].exr)
    oiiotool "$file" --resize "$(any 95x64 96x63 97x65 48x32 192x128)" -o "$file"
    input "$file"
}
fault_odd_channels() {
    local file
    file=$(any plates/p.100[2-7].exr)
    case $((RANDOM % 3)) in
        0) oiiotool "$file" --ch R,G,B -o "$file" ;;
        1) oiiotool "$file" --ch R,G,B,A,Z=0 -o "$file" ;;
        2) oiiotool "$file" --chnames X,Y,Z,W -o "$file" ;;
    esac
    input "$file"
}

# Promise 5: no NaN or infinity is delivered that the plate did not hold, and the frame is otherwise what it was. The
# reference is another one here: an undisturbed render of those plates.
fault_not_finite() {
    local file value count
    file=$(any plates/*.exr)
    value=$(any nan inf -inf)
    oiiotool "$file" --fill:color="$value,$value,$value,1" "3x2+$((RANDOM % 93))+$((RANDOM % 62))" -d half -o "$file"
    render
    seen=$code
    allows 0
    for frame in "$out"/c.[0-9]*.exr; do
        local plate=plates/p.${frame##*/c.}
        count=$(bad_values "$frame")
        [ "$count" -le "$(bad_values "$plate")" ] || breaks "$(basename "$frame") holds $count values that are not finite"
    done
    kept=$((kept + $(finished | wc -l)))
}
# bad_values FILE: how many of R, G, B, A are not finite.
bad_values() {
    oiiotool "$1" --ch R,G,B,A --printstats | awk '/NanCount|InfCount/ {for (i = 3; i <= 6; ++i) sum += $i} END {print sum + 0}'
}

# weights FILE: what a broken model file gives.
weights() {
    render
    seen=$code
    allows 4
    names "$(basename "$1")"
    whole "broken model"
    restore model
    mended
}
fault_truncated_weights() {
    local file
    file=$(any model/*/*.safetensors)
    cut_file "$file"
    weights "$file"
}
fault_truncated_config() {
    local file
    file=$(any model/*.json model/*/*config*.json model/*/*.index.json model/tokenizer/spiece.model)
    # A file of this folder that says nothing that a render needs may be whole enough.
    case $file in *pipeline.json | *tokenizer_config.json | *special_tokens_map.json) file=model/vae/config.json ;; esac
    cut_file "$file"
    weights "$file"
}

# Address space in steps from what the program needs to begin up to what the render needs.
fault_memory() {
    local most=$((rounds > 1 ? rounds - 1 : 1))
    [ -n "${least:-}" ] || measure_memory
    local limit=$((least + (peak - least) * (round - 1) / most))
    render bash -c "ulimit -v $limit; exec \"\$@\"" limited
    seen=$code
    allows 33 0
    whole "little memory"
    mended
}
# measure_memory: KiB of address space with which --version runs, and the peak of a render.
measure_memory() {
    local low=100000 high=8000000 middle
    while [ $((high - low)) -gt 20000 ]; do
        middle=$(((low + high) / 2))
        if { (ulimit -v $middle && "$program" --version); } >/dev/null 2>&1; then high=$middle; else low=$middle; fi
    done
    least=$((high + 20000))
    begin
    peak=$least
    while kill -0 "$pid" 2>/dev/null; do
        middle=$(awk '/VmPeak/ {print $2}' "/proc/$pid/status" 2>/dev/null || true)
        [ "${middle:-0}" -le "$peak" ] || peak=$middle
        sleep 0.02
    done
    end
    rm -rf "$out"
}
