#include "image/colour_ids.h"

#include <algorithm>
#include <cmath>

namespace derrumbe::image {

namespace {

struct Space {
    std::string id;
    std::array<float, 8> xy;  ///< zeros where the space is not linear
    std::vector<std::string> names;
};

/// Primaries: SMPTE ST 2065-1 (AP0), S-2014-004 (AP1), ITU-R BT.709-6, BT.2020-2, SMPTE RP 431-2
/// with D65. Ids: Color Interop Forum, "Texture Asset Color Spaces", 2024.
const std::vector<Space>& spaces() {
    static const std::vector<Space> all = {
        {"lin_ap0_scene",
         {0.7347f, 0.2653f, 0, 1, 0.0001f, -0.077f, 0.32168f, 0.33767f},
         {"lin_ap0", "ACES2065-1", "aces2065_1", "ACES - ACES2065-1"}},
        {"lin_ap1_scene",
         {0.713f, 0.293f, 0.165f, 0.83f, 0.128f, 0.044f, 0.32168f, 0.33767f},
         {"lin_ap1", "ACEScg", "ACES - ACEScg"}},
        {"lin_rec709_scene",
         {0.64f, 0.33f, 0.3f, 0.6f, 0.15f, 0.06f, 0.3127f, 0.329f},
         {"lin_rec709", "lin_rec709_srgb", "Linear Rec.709 (sRGB)", "lin_srgb",
          "Utility - Linear - sRGB", "Utility - Linear - Rec.709", "scene-linear Rec.709-sRGB"}},
        {"lin_rec2020_scene",
         {0.708f, 0.292f, 0.17f, 0.797f, 0.131f, 0.046f, 0.3127f, 0.329f},
         {"lin_rec2020", "Linear Rec.2020", "Utility - Linear - Rec.2020"}},
        {"lin_p3d65_scene",
         {0.68f, 0.32f, 0.265f, 0.69f, 0.15f, 0.06f, 0.3127f, 0.329f},
         {"lin_p3d65", "Linear P3-D65", "Utility - Linear - P3-D65"}},
        {"srgb_rec709_scene",
         {},
         {"srgb_tx", "srgb_texture", "sRGB - Texture", "sRGB Encoded Rec.709 (sRGB)",
          "Utility - sRGB - Texture", "sRGB"}},
        {"g24_rec709_scene",
         {},
         {"g24_rec709", "g24_rec709_tx", "Gamma 2.4 Rec.709 - Texture", "Gamma 2.4 Encoded Rec.709",
          "Rec.709"}},
        {"data", {}, {"raw", "Raw", "Utility - Raw"}},
    };
    return all;
}

}  // namespace

std::string spaceOfChromaticities(const std::array<float, 8>& xy) {
    for (const Space& space : spaces()) {
        if (space.xy[0] == 0) continue;
        bool same = true;
        for (size_t i = 0; i < 8; ++i) same = same && std::abs(space.xy[i] - xy[i]) < 5e-4f;
        if (same) return space.id;
    }
    return {};
}

std::vector<std::string> namesOfSpace(const std::string& id) {
    std::vector<std::string> names = {id};
    for (const Space& space : spaces())
        if (space.id == id) names.insert(names.end(), space.names.begin(), space.names.end());
    return names;
}

std::array<float, 8> chromaticitiesOf(const std::string& name) {
    for (const Space& space : spaces()) {
        const auto& names = space.names;
        if (space.id == name || std::find(names.begin(), names.end(), name) != names.end())
            return space.xy;
    }
    return {};
}

}  // namespace derrumbe::image
