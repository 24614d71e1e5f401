#include "clip/beats.h"

#include <catch2/catch.hpp>
#include <random>

using derrumbe::clip::beatWeights;

TEST_CASE("without beats the prompt holds everywhere", "[beats]") {
    const auto rows = beatWeights({}, 4, 4);
    REQUIRE(rows.size() == 1);
    CHECK(rows[0] == std::vector<float>{1, 1, 1, 1});
}

TEST_CASE("a hard change falls on the latent frame that holds it", "[beats]") {
    // Latent frames stand for frame 0, then 1-4, 5-8, 9-12.
    const auto rows = beatWeights({{5, 0}}, 4, 4);
    CHECK(rows[0] == std::vector<float>{1, 1, 0, 0});
    CHECK(rows[1] == std::vector<float>{0, 0, 1, 1});
    CHECK(beatWeights({{7, 0}}, 4, 4)[1] == std::vector<float>{0, 0, 0.5f, 1});
}

TEST_CASE("a change is linear, its middle where the beat begins", "[beats]") {
    const auto rows = beatWeights({{10, 8}}, 20, 1);
    CHECK(rows[1][5] == 0);
    CHECK(rows[1][6] == Approx(0.5 / 8));
    CHECK(rows[1][9] + rows[1][10] == Approx(1));
    CHECK(rows[1][13] == Approx(7.5 / 8));
    CHECK(rows[1][14] == 1);
}

TEST_CASE("a beat at the first frame holds from the start", "[beats]") {
    const auto rows = beatWeights({{0, 100}}, 3, 4);
    CHECK(rows[0] == std::vector<float>{0, 0, 0});
    CHECK(rows[1] == std::vector<float>{1, 1, 1});
}

TEST_CASE("weights sum to 1, whatever overlaps", "[beats]") {
    std::mt19937 random(5);
    for (int trial = 0; trial < 50; ++trial) {
        std::vector<derrumbe::clip::Beat> beats;
        int start = 0;
        for (int i = 0; i < 1 + trial % 5; ++i) {
            start += 1 + static_cast<int>(random() % 20);
            beats.push_back({start, static_cast<int>(random() % 40)});
        }
        const auto rows = beatWeights(beats, 14, 4);
        for (int latent = 0; latent < 14; ++latent) {
            double sum = 0;
            for (const auto& row : rows) {
                CHECK(row[latent] >= 0);
                sum += row[latent];
            }
            CHECK(sum == Approx(1).margin(1e-6));
        }
    }
}

TEST_CASE("a beat with an area leaves the rest to those before it", "[beats]") {
    // Three cells: the first the beat's, the second shared, the third not its.
    const auto rows = beatWeights({{5, 0, {{1, 0.25f, 0}}}}, 3, 4, 3);
    CHECK(rows[1] == std::vector<float>{0, 0, 0, 0, 0, 0, 1, 0.25f, 0});
    CHECK(rows[0] == std::vector<float>{1, 1, 1, 1, 1, 1, 0, 0.75f, 1});
    // A moving area: a latent frame has the mean of its four.
    const auto moving = beatWeights({{0, 0, {{1, 0}, {1, 0}, {0, 1}, {0, 1}, {0, 1}}}}, 2, 4, 2);
    CHECK(moving[1] == std::vector<float>{1, 0, 0.25f, 0.75f});
    // Later beats take from earlier ones, in their area alone; beyond the last plane it is held.
    const auto over = beatWeights({{0, 0}, {0, 0, {{0, 1}}}}, 2, 4, 2);
    CHECK(over[0] == std::vector<float>{0, 0, 0, 0});
    CHECK(over[1] == std::vector<float>{1, 0, 1, 0});
    CHECK(over[2] == std::vector<float>{0, 1, 0, 1});
    // An area of all cells is no area.
    const auto whole = beatWeights({{6, 5, {{1}}}}, 4, 4, 1);
    CHECK(whole == beatWeights({{6, 5}}, 4, 4));
}
