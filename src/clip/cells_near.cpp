#include "clip/cells_near.h"

#include <algorithm>

namespace derrumbe::clip {

std::vector<std::uint8_t> cellsNear(const float* plane, int height, int width, int cellHeight,
                                    int cellWidth, int margin) {
    // How many pixels are set above and left of a corner: a block is four look-ups.
    const size_t stride = static_cast<size_t>(width) + 1;
    std::vector<int> before(stride * (static_cast<size_t>(height) + 1));
    for (int y = 0; y < height; ++y) {
        int row = 0;
        for (int x = 0; x < width; ++x) {
            row += plane[static_cast<size_t>(y) * width + x] > 0.5f;
            before[(y + 1) * stride + x + 1] = before[y * stride + x + 1] + row;
        }
    }
    std::vector<std::uint8_t> near;
    for (int y = 0; y < height; y += cellHeight) {
        const size_t top = stride * std::max(0, y - margin),
                     bottom = stride * std::min(height, y + cellHeight + margin);
        for (int x = 0; x < width; x += cellWidth) {
            const int left = std::max(0, x - margin),
                      right = std::min(width, x + cellWidth + margin);
            near.push_back(before[bottom + right] - before[bottom + left] - before[top + right] +
                               before[top + left] >
                           0);
        }
    }
    return near;
}

}  // namespace derrumbe::clip
