#include "support/frames.h"

#include <algorithm>
#include <cmath>

namespace derrumbe {

Window Box::pixels() const {
    return {static_cast<int>(std::ceil(x - 0.5)), static_cast<int>(std::ceil(y - 0.5)), width,
            height};
}

Window Box::touched() const {
    const double left = std::floor(x), top = std::floor(y);
    return {static_cast<int>(left), static_cast<int>(top),
            static_cast<int>(std::ceil(x + width) - left),
            static_cast<int>(std::ceil(y + height) - top)};
}

Window intersect(const Window& a, const Window& b) {
    const int x = std::max(a.x, b.x), y = std::max(a.y, b.y);
    return {x, y, std::max(0, std::min(a.right(), b.right()) - x),
            std::max(0, std::min(a.bottom(), b.bottom()) - y)};
}

Window unite(const Window& a, const Window& b) {
    if (a.empty()) return b;
    if (b.empty()) return a;
    const int x = std::min(a.x, b.x), y = std::min(a.y, b.y);
    return {x, y, std::max(a.right(), b.right()) - x, std::max(a.bottom(), b.bottom()) - y};
}

int Frame::channel(const std::string& name) const {
    const auto found = std::find(channels.begin(), channels.end(), name);
    return found == channels.end() ? -1 : static_cast<int>(found - channels.begin());
}

float* Frame::at(int x, int y) {
    return pixels.data() +
           (static_cast<size_t>(y - data.y) * data.width + (x - data.x)) * channels.size();
}

const float* Frame::at(int x, int y) const {
    return pixels.data() +
           (static_cast<size_t>(y - data.y) * data.width + (x - data.x)) * channels.size();
}

float Matte::at(int x, int y) const {
    if (x < window.x || y < window.y || x >= window.right() || y >= window.bottom()) return 0;
    return values[static_cast<size_t>(y - window.y) * window.width + (x - window.x)];
}

Window Matte::bounds(float threshold) const {
    int left = window.width, right = -1, top = window.height, bottom = -1;
    for (int y = 0; y < window.height; ++y) {
        const float* row = values.data() + static_cast<size_t>(y) * window.width;
        for (int x = 0; x < window.width; ++x) {
            if (!(row[x] > threshold)) continue;
            left = std::min(left, x), right = std::max(right, x);
            top = std::min(top, y), bottom = std::max(bottom, y);
        }
    }
    if (right < 0) return {};
    return {window.x + left, window.y + top, right - left + 1, bottom - top + 1};
}

double Matte::coverage() const {
    double sum = 0;
    for (float value : values) sum += value;
    return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

float* Clip::plane(int channel, int frame) {
    return values.data() + (static_cast<size_t>(channel) * frames + frame) * planeSize();
}

const float* Clip::plane(int channel, int frame) const {
    return values.data() + (static_cast<size_t>(channel) * frames + frame) * planeSize();
}

Clip Clip::filled(int frames, int height, int width, float value) {
    Clip clip{frames, height, width, {}};
    clip.values.assign(static_cast<size_t>(3) * frames * height * width, value);
    return clip;
}

}  // namespace derrumbe
