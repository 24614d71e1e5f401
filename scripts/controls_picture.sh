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

# strip NAME FOLDER: the frames in FOLDER as controls/NAME.jpg: the part $cut of them, or where that is empty all of them
# with the crop that the plan in FOLDER.json gives the frame.
cut=400x330+300+100
strip() {
    local frame cells=() part
    for frame in "${shows[@]}"; do
        part=(--cut "$cut")
        [ -n "$cut" ] || part=(--box:color=1,0.15,0.1 "$(cropOf "$2.json" "$frame")" --origin +0+0 --fullpixels)
        oiiotool --colorconfig ocio/derrumbe.ocio "$2/f.$frame.exr" --ch R,G,B --iscolorspace ACEScg \
            --ociodisplay "sRGB - Display" "ACES 1.0 - SDR Video" "${part[@]}" --resize 208x0 -d uint8 -o "$work/$frame.png"
        cells+=("$work/$frame.png")
    done
    oiiotool "${cells[@]}" --mosaic:pad=3 ${#cells[@]}x1 --compression jpeg:80 -o "controls/$1.jpg"
    echo "configs/controls/$1.jpg"
}

# cropOf PLAN FRAME: x0,y0,x1,y1 of the crop in a frame of a plan.
cropOf() {
    python3 - "$@" <<'PYTHON'
import json, sys

plan = json.load(open(sys.argv[1]))
x, y, width, height = plan["region"]["crop"]
index = next(i for i, job in enumerate(plan["frames"]) if job["frame"] == int(sys.argv[2]))
if plan["region"]["path"]:
    x, y = (round(place) for place in plan["region"]["path"][index])
print(f"{x},{y},{x + width - 1},{y + height - 1}")
PYTHON
}

# control NAME SETTING...: the demo with those settings.
control() {
    local name=$1 settings=()
    shift
    [ ${#asked[@]} = 0 ] || [[ " ${asked[*]} " = *" $name "* ]] || return 0
    for setting in frames=1001-1033 "output.path=$work/$name/f.####.exr" "provenance.path=$work/$name/log.json" "$@"; do
        settings+=(--set "$setting")
    done
    ../build/release/derrumbe plan shots/demo_collapse.yaml "${settings[@]}" --json >"$work/$name.json"
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
control detail detail=still
control strength 'strength=[{frame: 1013, value: 0}, {frame: 1033, value: 0.7}]'
control beats 'beats=[{from: 1017, prompt: "an explosion inside the building: a fireball, debris and black smoke", blend: 8}]'
control beat_matte "beats=[{from: 1001, prompt: \"an explosion inside the building: a fireball, debris and black smoke\", matte: {path: $work/left.exr}}]"
control keyframe "keyframes=[{frame: 1033, path: $work/previz.1033.exr}]"
control guide "guides=[{type: previz, path: $work/previz.####.exr}]"

# The facade at full size.
cut=208x172+380+140
control refine_without
control refine 'refine={strength: 0.5, scale: 2}'

# A pan over the demo: the matte moves through the picture.
for frame in $(seq 1001 1033); do
    for part in plates/demo_street mattes/demo_street mattes/demo_street_dust; do
        oiiotool "shots/$part.$frame.exr" --cut "640x540+$(((frame - 1001) * 7))+0" --origin +0+0 --fullpixels -o "$work/${part##*/}_${part%s/*}.$frame.exr"
    done
done
pan=("plate.path=$work/demo_street_plate.####.exr" "matte.path=$work/demo_street_matte.####.exr"
    "holdout.path=$work/demo_street_dust_matte.####.exr")
cut=""
control region_auto "${pan[@]}"
control region_follow "${pan[@]}" region=follow
