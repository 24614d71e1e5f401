#include "clip/tiles.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

using namespace derrumbe::clip;

TEST_CASE("tiles of one size cover their area, and their weights add up to 1 at every place",
          "[tiles]") {
    std::mt19937 random(7);
    const auto from = [&](int least, int most) {
        return least + static_cast<int>(random() % static_cast<unsigned>(most - least + 1));
    };
    for (int count = 0; count < 300; ++count) {
        const Tile area{from(0, 9), from(0, 9), from(1, 60), from(1, 60)};
        const int height = from(1, 20), width = from(1, 20), overlap = from(0, 24);
        CAPTURE(area.height, area.width, height, width, overlap);
        const std::vector<Tile> tiles = planTiles(area, height, width, overlap);
        const auto weights = tileWeights(tiles);
        REQUIRE(weights.size() == tiles.size());
        CHECK(coveredBy(tiles) == area);
        std::vector<float> sum(static_cast<size_t>(area.height) * area.width);
        for (size_t i = 0; i < tiles.size(); ++i) {
            const Tile& tile = tiles[i];
            REQUIRE(tile.height == std::min(height, area.height));
            REQUIRE(tile.width == std::min(width, area.width));
            REQUIRE(weights[i].size() == static_cast<size_t>(tile.height) * tile.width);
            REQUIRE(tile.y >= area.y);
            REQUIRE(tile.x >= area.x);
            for (int y = 0; y < tile.height; ++y)
                for (int x = 0; x < tile.width; ++x) {
                    const float weight = weights[i][static_cast<size_t>(y) * tile.width + x];
                    REQUIRE(weight > 0);
                    sum[static_cast<size_t>(tile.y - area.y + y) * area.width + tile.x - area.x +
                        x] += weight;
                }
        }
        for (const float value : sum) REQUIRE(value == Approx(1).margin(1e-5));
    }
}

TEST_CASE("a tile fades out over what it shares", "[tiles]") {
    const std::vector<Tile> tiles = planTiles({2, 0, 4, 10}, 4, 6, 2);
    REQUIRE(tiles == std::vector<Tile>{{2, 0, 4, 6}, {2, 4, 4, 6}});
    const auto weights = tileWeights(tiles);
    const std::vector<float> row(weights[0].begin(), weights[0].begin() + 6);
    for (int x = 0; x < 4; ++x) CHECK(row[x] == 1);
    CHECK(row[4] == Approx(2.0 / 3));
    CHECK(row[5] == Approx(1.0 / 3));
    CHECK(weights[1][0] == Approx(1.0 / 3));
    CHECK(weights[1][1] == Approx(2.0 / 3));
}

TEST_CASE("a span holds what it must, in whole patches, and is as long as a tile", "[tiles]") {
    CHECK(snappedSpan(5, 9, 20, 2, 2) == Span{4, 6});
    CHECK(snappedSpan(4, 8, 20, 2, 2) == Span{4, 4});
    CHECK(snappedSpan(-3, 9.1, 20, 4, 2) == Span{0, 10});
    CHECK(snappedSpan(15, 40, 20, 4, 2) == Span{14, 6});
    CHECK(snappedSpan(9, 11, 20, 8, 2) == Span{6, 8});
    CHECK(snappedSpan(19, 20, 20, 8, 2) == Span{12, 8});
    CHECK(snappedSpan(0, 1, 20, 8, 2) == Span{0, 8});
    CHECK(snappedSpan(3, 4, 20, 50, 2) == Span{0, 20});
    CHECK(snappedSpan(30, 40, 20, 4, 2) == Span{16, 4});  // an area beside the picture
}
