#include "clip/cells_near.h"

#include <catch2/catch.hpp>
#include <random>

using namespace derrumbe::clip;

TEST_CASE("cells near a set pixel are those whose grown block holds one", "[cells]") {
    std::mt19937 random(3);
    for (int round = 0; round < 40; ++round) {
        const int cellHeight = 1 + static_cast<int>(random() % 4),
                  cellWidth = 1 + static_cast<int>(random() % 4);
        const int height = cellHeight * (1 + static_cast<int>(random() % 6)),
                  width = cellWidth * (1 + static_cast<int>(random() % 6));
        const int margin = static_cast<int>(random() % 5);
        std::vector<float> plane(static_cast<size_t>(height) * width);
        for (float& value : plane) value = random() % 12 == 0 ? 1.f : 0.5f;
        const auto near = cellsNear(plane.data(), height, width, cellHeight, cellWidth, margin);
        REQUIRE(near.size() == plane.size() / (cellHeight * cellWidth));
        for (int row = 0; row < height / cellHeight; ++row)
            for (int column = 0; column < width / cellWidth; ++column) {
                bool expected = false;
                for (int y = 0; y < height; ++y)
                    for (int x = 0; x < width; ++x)
                        expected = expected || (plane[static_cast<size_t>(y) * width + x] == 1 &&
                                                y >= row * cellHeight - margin &&
                                                y < (row + 1) * cellHeight + margin &&
                                                x >= column * cellWidth - margin &&
                                                x < (column + 1) * cellWidth + margin);
                CHECK((near[static_cast<size_t>(row) * (width / cellWidth) + column] == 1) ==
                      expected);
            }
    }
}

TEST_CASE("a margin larger than the picture takes all of it, and nothing set takes none",
          "[cells]") {
    std::vector<float> plane(12 * 8, 0.f);
    CHECK(cellsNear(plane.data(), 12, 8, 4, 4, 100000) == std::vector<std::uint8_t>(6, 0));
    plane[0] = 1;
    CHECK(cellsNear(plane.data(), 12, 8, 4, 4, 65536) == std::vector<std::uint8_t>(6, 1));
    CHECK(cellsNear(plane.data(), 12, 8, 4, 4, 0) == std::vector<std::uint8_t>{1, 0, 0, 0, 0, 0});
}
