#include "clip/smooth.h"

#include <algorithm>
#include <cmath>

namespace derrumbe::clip {
namespace {

/// One pass along `count` values that lie `step` apart.
void smoothLine(float* values, int count, std::ptrdiff_t step, std::vector<float>& line) {
    constexpr float taps[] = {0.0625f, 0.25f, 0.375f, 0.25f, 0.0625f};
    line.resize(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) line[i] = values[i * step];
    for (int i = 0; i < count; ++i) {
        float sum = 0;
        for (int k = -2; k <= 2; ++k) sum += taps[k + 2] * line[std::clamp(i + k, 0, count - 1)];
        values[i * step] = sum;
    }
}

}  // namespace

void smoothPlane(float* values, int height, int width, int passes, std::vector<float>& line) {
    for (int pass = 0; pass < passes; ++pass) {
        for (int y = 0; y < height; ++y)
            smoothLine(values + static_cast<std::ptrdiff_t>(y) * width, width, 1, line);
        for (int x = 0; x < width; ++x) smoothLine(values + x, height, width, line);
    }
}

void smoothTime(ClipMask& mask, int passes) {
    const std::ptrdiff_t plane = static_cast<std::ptrdiff_t>(mask.width) * mask.height;
    std::vector<float> line;
    for (int pass = 0; pass < passes; ++pass)
        for (std::ptrdiff_t i = 0; i < plane; ++i)
            smoothLine(mask.values.data() + i, mask.frames, plane, line);
}

std::vector<float> finitePlane(const Clip& clip, int channel, int frame) {
    const float* from = clip.plane(channel, frame);
    std::vector<float> plane(from, from + clip.planeSize());
    for (float& value : plane)
        if (!std::isfinite(value)) value = 0;
    return plane;
}

std::vector<float> gaussian(const float* values, int height, int width, double sigma) {
    const int reach = static_cast<int>(std::ceil(3 * sigma));
    std::vector<float> taps(static_cast<size_t>(2 * reach + 1));
    double sum = 0;
    for (int k = -reach; k <= reach; ++k) sum += std::exp(-0.5 * k * k / (sigma * sigma));
    for (int k = -reach; k <= reach; ++k)
        taps[k + reach] = static_cast<float>(std::exp(-0.5 * k * k / (sigma * sigma)) / sum);
    const size_t size = static_cast<size_t>(height) * width;
    std::vector<float> across(size), result(size);
    std::vector<float> line(static_cast<size_t>(width + 2 * reach));
    for (int y = 0; y < height; ++y) {
        const float* row = values + static_cast<size_t>(y) * width;
        for (int x = -reach; x < width + reach; ++x)
            line[x + reach] = row[std::clamp(x, 0, width - 1)];
        float* out = across.data() + static_cast<size_t>(y) * width;
        for (int k = 0; k <= 2 * reach; ++k)
            for (int x = 0; x < width; ++x) out[x] += taps[k] * line[x + k];
    }
    for (int y = 0; y < height; ++y) {
        float* out = result.data() + static_cast<size_t>(y) * width;
        for (int k = -reach; k <= reach; ++k) {
            const float* row =
                across.data() + static_cast<size_t>(std::clamp(y + k, 0, height - 1)) * width;
            for (int x = 0; x < width; ++x) out[x] += taps[k + reach] * row[x];
        }
    }
    return result;
}

float bilinear(const float* values, int height, int width, float x, float y) {
    x = std::clamp(x, 0.f, static_cast<float>(width - 1));
    y = std::clamp(y, 0.f, static_cast<float>(height - 1));
    const int left = std::min(static_cast<int>(x), width - 1),
              top = std::min(static_cast<int>(y), height - 1);
    const int right = std::min(left + 1, width - 1), below = std::min(top + 1, height - 1);
    const float u = x - static_cast<float>(left), v = y - static_cast<float>(top);
    const float* upper = values + static_cast<size_t>(top) * width;
    const float* lower = values + static_cast<size_t>(below) * width;
    return (1 - v) * ((1 - u) * upper[left] + u * upper[right]) +
           v * ((1 - u) * lower[left] + u * lower[right]);
}

}  // namespace derrumbe::clip
