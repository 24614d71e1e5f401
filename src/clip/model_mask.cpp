#include "clip/model_mask.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace derrumbe::clip {

void growPlane(float* plane, int height, int width, int radius) {
    const size_t stride = static_cast<size_t>(width) + 1;
    // Per row: how many pixels are set left of x. A span of the disc is then one subtraction.
    std::vector<int> before(stride * height);
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            before[y * stride + x + 1] =
                before[y * stride + x] + (plane[static_cast<size_t>(y) * width + x] > 0.5f);
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
            bool set = false;
            for (int dy = -radius; dy <= radius && !set; ++dy) {
                const int row = y + dy;
                if (row < 0 || row >= height) continue;
                const int half =
                    static_cast<int>(std::sqrt(static_cast<double>(radius) * radius - dy * dy));
                const int left = std::max(0, x - half), right = std::min(width, x + half + 1);
                set = before[row * stride + right] > before[row * stride + left];
            }
            plane[static_cast<size_t>(y) * width + x] = set ? 1.f : 0.f;
        }
    }
}

void setMaskFrame(ClipMask& mask, int frame, const Matte& matte, const Box& crop, int grow,
                  float threshold) {
    float* plane = mask.plane(frame);
    std::fill_n(plane, static_cast<size_t>(mask.height) * mask.width, 0.f);
    const double scaleX = static_cast<double>(mask.width) / crop.width,
                 scaleY = static_cast<double>(mask.height) / crop.height;
    const auto cells = [](double low, double high, int count) {
        // A footprint that only touches a cell's border does not enter it.
        const int first = static_cast<int>(std::floor(low + 1e-9));
        const int last = static_cast<int>(std::ceil(high - 1e-9)) - 1;
        return std::pair{std::max(0, first), std::min(count - 1, std::max(first, last))};
    };
    const Window shared = intersect(crop.touched(), matte.window);
    for (int y = shared.y; y < shared.bottom(); ++y) {
        const auto [top, bottom] =
            cells((y - crop.y) * scaleY, (y - crop.y + 1) * scaleY, mask.height);
        const float* row =
            matte.values.data() + static_cast<size_t>(y - matte.window.y) * matte.window.width;
        for (int x = shared.x; x < shared.right(); ++x) {
            if (!(row[x - matte.window.x] > threshold)) continue;
            const auto [left, right] =
                cells((x - crop.x) * scaleX, (x - crop.x + 1) * scaleX, mask.width);
            for (int my = top; my <= bottom; ++my)
                for (int mx = left; mx <= right; ++mx)
                    plane[static_cast<size_t>(my) * mask.width + mx] = 1;
        }
    }
    if (grow > 0) growPlane(plane, mask.height, mask.width, grow);
}

void clearBefore(ClipMask& mask, int onset) {
    const int frames = std::clamp(onset, 0, mask.frames);
    std::fill_n(mask.values.begin(), static_cast<size_t>(frames) * mask.height * mask.width, 0.f);
}

ClipMask emptyMask(int frames, int height, int width) {
    ClipMask mask{frames, height, width, {}};
    mask.values.assign(static_cast<size_t>(frames) * height * width, 0.f);
    return mask;
}

}  // namespace derrumbe::clip
