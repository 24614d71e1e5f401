#pragma once
#include <cstdint>
#include <vector>

namespace derrumbe::clip {

/// Of a plane's cells (blocks of cellHeight x cellWidth pixels, which divide it), those near what
/// is above 0.5: 1 where any such pixel is in the cell or at most `margin` pixels outside it,
/// across and down alike, else 0. [height / cellHeight][width / cellWidth].
std::vector<std::uint8_t> cellsNear(const float* plane, int height, int width, int cellHeight,
                                    int cellWidth, int margin);

}  // namespace derrumbe::clip
