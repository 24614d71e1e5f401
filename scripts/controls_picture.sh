#!/usr/bin/env bash
# What each control of a shot does to the demo, for configs/README.md: one strip a control, three frames of its building,
# display-referred, in configs/controls/NAME.jpg.
#   scripts/controls_picture.sh [NAME...]     default: every control; needs build/release/derrumbe and oiiotool
set -euo pipefail
cd "$(dirname "$0")/../configs"
shows=(1013 1021 1033)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p controls

# strip NAME FOLDER: the frames in FOLDER as controls/NAME.jpg.
strip() {
    local frame cells=()
    for frame in "${shows[@]}"; do
        oiiotool --colorconfig ocio/derrumbe.ocio "$2/f.$frame.exr" --ch R,G,B --iscolorspace ACEScg \
            --ociodisplay "sRGB - Display" "ACES 1.0 - SDR Video" --cut 400x330+300+100 --resize 208x172 -d uint8 -o "$work/$frame.png"
        cells+=("$work/$frame.png")
    done
    oiiotool "${cells[@]}" --mosaic:pad=3 ${#cells[@]}x1 --compression jpeg:80 -o "controls/$1.jpg"
    echo "configs/controls/$1.jpg"
}

# control NAME SETTING...: the demo with those settings.
control() {
    local name=$1 settings=()
    shift
    [ ${#asked[@]} = 0 ] || [[ " ${asked[*]} " = *" $name "* ]] || return 0
    for setting in frames=1001-1033 "output.path=$work/$name/f.####.exr" "provenance.path=$work/$name/log.json" "$@"; do
        settings+=(--set "$setting")
    done
    ../build/release/derrumbe render shots/demo_collapse.yaml "${settings[@]}" --frames "$(IFS=,; echo "${shows[*]}")" --progress none >/dev/null
    strip "$name" "$work/$name"
}
asked=("$@")
plate=$PWD/shots/plates/demo_street

# Half of the picture, for a beat's matte.
oiiotool --create 960x540 1 --chnames A --fill:color=1 485x540+0+0 -d half -o "$work/left.exr"
# The building sinks into the ground, sky above it: a previz, and as its last frame a keyframe.
for frame in $(seq 1009 1033); do
    down=$(((frame - 1009) * 5 + 1))
    oiiotool "$plate.$frame.exr" --ch R,G,B --cut 180x12+420+98 --resize 246x$down --origin +0+0 -o "$work/sky.exr"
    oiiotool "$plate.$frame.exr" --ch R,G,B --cut 246x$((262 - down))+360+118 --origin +0+0 -o "$work/block.exr"
    oiiotool "$work/block.exr" "$plate.$frame.exr" --ch R,G,B --paste +360+$((118 + down)) -o "$work/sunk.exr"
    oiiotool "$work/sky.exr" "$work/sunk.exr" --paste +360+118 -d half -o "$work/previz.$frame.exr"
done

control without
control onset onset=1020
control grow matte.grow=60 matte.feather=40
control holdout 'holdout=[]'
control strength 'strength=[{frame: 1013, value: 0}, {frame: 1033, value: 0.7}]'
control beats 'beats=[{from: 1017, prompt: "an explosion inside the building: a fireball, debris and black smoke", blend: 8}]'
control beat_matte "beats=[{from: 1001, prompt: \"an explosion inside the building: a fireball, debris and black smoke\", matte: {path: $work/left.exr}}]"
control keyframe "keyframes=[{frame: 1033, path: $work/previz.1033.exr}]"
control guide "guides=[{type: previz, path: $work/previz.####.exr}]"
