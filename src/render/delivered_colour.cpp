#include "render/delivered_colour.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "clip/stitch.h"

namespace derrumbe::render {

std::int64_t convertKept(Frame& frame, const Matte& matte,
                         const std::function<void(Frame&)>& convert) {
    // Only colours are converted: alpha is no colour, and object ids are bits that mean nothing as
    // floats.
    std::vector<int> colours;
    for (const char* name : {"R", "G", "B", "Y"})
        if (const int channel = frame.channel(name); channel >= 0) colours.push_back(channel);
    const size_t pixels = static_cast<size_t>(frame.data.width) * frame.data.height;
    const size_t stride = frame.channels.size();
    std::vector<bool> finite(pixels * colours.size());
    for (size_t i = 0, at = 0; i < pixels; ++i)
        for (const int channel : colours)
            finite[at++] = std::isfinite(frame.pixels[i * stride + channel]);
    convert(frame);
    std::int64_t changed = 0;
    for (size_t i = 0, at = 0; i < pixels; ++i) {
        const int x = frame.data.x + static_cast<int>(i % frame.data.width);
        const int y = frame.data.y + static_cast<int>(i / frame.data.width);
        const bool touched = matte.at(x, y) > 0;
        for (const int channel : colours) {
            float& value = frame.pixels[i * stride + channel];
            if (!finite[at++]) continue;
            if (std::isfinite(value) && (!touched || std::abs(value) <= clip::kLargestHalf))
                continue;
            value = std::isnan(value) ? 0.0f
                                      : std::clamp(value, -clip::kLargestHalf, clip::kLargestHalf);
            ++changed;
        }
    }
    return changed;
}

}  // namespace derrumbe::render
