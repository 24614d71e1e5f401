#include "image/heatmap.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "support/strings.h"

namespace derrumbe::image {

namespace {

/// Even steps of a ramp whose lightness rises all the way.
constexpr std::array<std::array<float, 3>, 6> ramp = {
    {{0, 0, 4}, {66, 10, 104}, {147, 38, 103}, {221, 81, 58}, {252, 165, 10}, {252, 255, 230}}};

std::string number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6f", value);
    return text;
}

}  // namespace

Picture heatPicture(const std::vector<float>& values, int width, int height) {
    Picture picture = Picture::filled(width, height, 0);
    for (size_t i = 0; i < values.size(); ++i) {
        const float value = values[i] > 0 ? std::min(values[i], 1.f) : 0.f;
        const float at = value * (ramp.size() - 1);
        const size_t step = std::min(static_cast<size_t>(at), ramp.size() - 2);
        const float part = at - static_cast<float>(step);
        for (size_t c = 0; c < 3; ++c)
            picture.rgb[i * 3 + c] = static_cast<std::uint8_t>(ramp[step][c] * (1 - part) +
                                                               ramp[step + 1][c] * part + 0.5f);
    }
    return picture;
}

Picture heatmap(const Frame& difference, double maxError, const std::vector<float>& flip,
                int flipWidth, int flipHeight) {
    std::vector<float> shares = difference.pixels;
    if (maxError > 0)
        for (float& value : shares) value = static_cast<float>(value / maxError);
    double mean = 0;
    for (const float value : flip) mean += value / static_cast<double>(flip.size());
    Picture left = heatPicture(shares, difference.data.width, difference.data.height);
    Picture right = heatPicture(flip, flipWidth, flipHeight);
    const int size = std::max(1, flipHeight / 180);
    drawLabel(left, 0, 0, "MAX " + number(maxError), size);
    drawLabel(right, 0, 0, "FLIP " + number(mean), size);
    return beside(left, right);
}

}  // namespace derrumbe::image
