#!/usr/bin/env bash
# The README's picture from a rendered demo: plate, matte and result at a few frames, display-referred.
#   scripts/demo_picture.sh [FRAME...]     default: 1001 1016 1022 1030 1049
set -euo pipefail
cd "$(dirname "$0")/../configs/shots"
frames=("${@:-}")
[ -n "${frames[0]}" ] || frames=(1001 1016 1022 1030 1049)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for frame in "${frames[@]}"; do
    result=renders/demo_collapse_t1.$frame.exr
    for layer in plate result; do
        source=$result
        [ $layer = plate ] && source=plates/demo_street.$frame.exr
        oiiotool --colorconfig ../ocio/derrumbe.ocio "$source" --ch R,G,B --iscolorspace ACEScg \
            --ociodisplay "sRGB - Display" "ACES 1.0 - SDR Video" --resize 384x216 -d uint8 -o "$work/$layer.$frame.png"
    done
    oiiotool "mattes/demo_street.$frame.exr" --ch 0,0,0 --chnames R,G,B --resize 384x216 -d uint8 -o "$work/matte.$frame.png"
done
sheet=()
for layer in plate matte result; do
    for frame in "${frames[@]}"; do sheet+=("$work/$layer.$frame.png"); done
done
oiiotool "${sheet[@]}" --mosaic:pad=4 "${#frames[@]}x3" -d uint8 -o demo_collapse.png
echo configs/shots/demo_collapse.png
