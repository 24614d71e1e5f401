#include "clip/stitch.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "support/error.h"

namespace derrumbe::clip {
namespace {

/// Where the picture goes: three channels of the plate, or its one luminance channel.
std::vector<int> pictureChannels(const Frame& plate) {
    std::vector<int> rgb = {plate.channel("R"), plate.channel("G"), plate.channel("B")};
    if (std::find(rgb.begin(), rgb.end(), -1) == rgb.end()) return rgb;
    if (const int luminance = plate.channel("Y"); luminance >= 0) return {luminance};
    throw Error(ExitCode::Input, "the plate has neither the channels R, G, B nor Y");
}

float blend(float plate, float generated, float m) {
    if (m >= 1 || !std::isfinite(plate)) return generated;
    return plate * (1 - m) + generated * m;
}

}  // namespace

StitchCounts& StitchCounts::operator+=(const StitchCounts& other) {
    touched += other.touched;
    clamped += other.clamped;
    nonFinite += other.nonFinite;
    uncovered += other.uncovered;
    return *this;
}

StitchCounts stitch(Frame& plate, const Matte& matte, const Frame& generated) {
    const std::vector<int> into = pictureChannels(plate);
    const std::array<int, 3> from = {generated.channel("R"), generated.channel("G"),
                                     generated.channel("B")};
    if (std::find(from.begin(), from.end(), -1) != from.end())
        throw Error(ExitCode::Internal, "stitch: the generated picture has no R, G, B");
    StitchCounts counts;
    const Window shared = intersect(plate.data, matte.window);
    for (int y = shared.y; y < shared.bottom(); ++y) {
        const float* mattes = matte.values.data() +
                              static_cast<size_t>(y - matte.window.y) * matte.window.width -
                              matte.window.x;
        const bool rowThere = y >= generated.data.y && y < generated.data.bottom();
        for (int x = shared.x; x < shared.right(); ++x) {
            const float m = mattes[x];
            if (!(m > 0)) continue;
            if (!rowThere || x < generated.data.x || x >= generated.data.right()) {
                ++counts.uncovered;
                continue;
            }
            const float* source = generated.at(x, y);
            std::array<float, 3> rgb = {source[from[0]], source[from[1]], source[from[2]]};
            if (!std::isfinite(rgb[0]) || !std::isfinite(rgb[1]) || !std::isfinite(rgb[2])) {
                ++counts.nonFinite;
                continue;
            }
            for (float& sample : rgb) {
                const float kept = std::clamp(sample, -kLargestHalf, kLargestHalf);
                counts.clamped += kept != sample;
                sample = kept;
            }
            float* target = plate.at(x, y);
            if (into.size() == 1) {
                const float luminance = 0.2126f * rgb[0] + 0.7152f * rgb[1] + 0.0722f * rgb[2];
                target[into[0]] = blend(target[into[0]], luminance, m);
            } else {
                for (int channel = 0; channel < 3; ++channel)
                    target[into[channel]] = blend(target[into[channel]], rgb[channel], m);
            }
            ++counts.touched;
        }
    }
    return counts;
}

}  // namespace derrumbe::clip
