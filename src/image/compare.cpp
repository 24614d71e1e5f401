#include "image/compare.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "support/strings.h"

namespace derrumbe::image {

namespace {

std::string windowText(const Window& w) {
    return cat(w.width, "x", w.height, w.x < 0 ? "" : "+", w.x, w.y < 0 ? "" : "+", w.y);
}

std::string findMismatch(const Frame& a, const Frame& b, const std::vector<std::string>& channels) {
    if (!(a.data == b.data))
        return cat("data windows differ: ", windowText(a.data), " and ", windowText(b.data));
    if (!(a.display == b.display))
        return cat("display windows differ: ", windowText(a.display), " and ",
                   windowText(b.display));
    if (a.pixelAspect != b.pixelAspect)
        return cat("pixel aspects differ: ", a.pixelAspect, " and ", b.pixelAspect);
    for (const std::string& name : channels) {
        if (a.channel(name) < 0) return cat("channel ", name, " is missing in the first");
        if (b.channel(name) < 0) return cat("channel ", name, " is missing in the second");
    }
    return {};
}

std::vector<std::string> allChannels(const Frame& a, const Frame& b) {
    std::vector<std::string> names = a.channels;
    for (const std::string& name : b.channels)
        if (a.channel(name) < 0) names.push_back(name);
    return names;
}

}  // namespace

Comparison compareFrames(const Frame& a, const Frame& b, const CompareOptions& options) {
    Comparison result;
    const auto channels = options.channels.empty() ? allChannels(a, b) : options.channels;
    result.mismatch = findMismatch(a, b, channels);
    if (!result.mismatch.empty()) return result;
    double sum = 0, squares = 0;
    for (const std::string& name : channels) {
        const int ca = a.channel(name), cb = b.channel(name);
        for (int y = a.data.y; y < a.data.bottom(); ++y)
            for (int x = a.data.x; x < a.data.right(); ++x) {
                const float va = a.at(x, y)[ca], vb = b.at(x, y)[cb];
                ++result.samples;
                if (std::bit_cast<std::uint32_t>(va) == std::bit_cast<std::uint32_t>(vb)) continue;
                ++result.differing;
                if (!std::isfinite(va) || !std::isfinite(vb)) {
                    if (!(std::isnan(va) && std::isnan(vb))) ++result.notFinite;
                    continue;
                }
                const double error = std::abs(double(va) - double(vb));
                sum += error;
                squares += error * error;
                if (error > result.maxError) {
                    result.maxError = error;
                    result.worstChannel = name;
                    result.worstX = x, result.worstY = y;
                }
            }
    }
    const double count = std::max<double>(1, double(result.samples));
    result.meanError = sum / count;
    result.rmse = std::sqrt(squares / count);
    result.psnr = result.rmse > 0 ? 20 * std::log10(options.peak / result.rmse)
                                  : std::numeric_limits<double>::infinity();
    return result;
}

Frame differenceMap(const Frame& a, const Frame& b) {
    Frame map;
    map.data = a.data;
    map.display = a.display;
    map.pixelAspect = a.pixelAspect;
    map.channels = {"Y"};
    map.pixels.reserve(static_cast<size_t>(a.data.width) * a.data.height);
    for (int y = a.data.y; y < a.data.bottom(); ++y)
        for (int x = a.data.x; x < a.data.right(); ++x) {
            float worst = 0;
            for (int c = 0; c < a.channelCount(); ++c) {
                const int other = b.channel(a.channels[c]);
                if (other < 0) continue;
                const float va = a.at(x, y)[c], vb = b.at(x, y)[other];
                if (std::isfinite(va) && std::isfinite(vb))
                    worst = std::max(worst, std::abs(va - vb));
            }
            map.pixels.push_back(worst);
        }
    return map;
}

}  // namespace derrumbe::image
