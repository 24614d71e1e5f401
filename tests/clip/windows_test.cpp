#include "clip/windows.h"

#include <catch2/catch.hpp>
#include <random>

#include "support/error.h"

using namespace derrumbe;
using namespace derrumbe::clip;

TEST_CASE("frames are padded to 4k + 1, never dropped", "[windows]") {
    CHECK(paddedFrames(0) == 0);
    CHECK(paddedFrames(1) == 1);
    CHECK(paddedFrames(2) == 5);
    CHECK(paddedFrames(5) == 5);
    CHECK(paddedFrames(49) == 49);
    CHECK(paddedFrames(50) == 53);
    CHECK(latentFrames(1) == 1);
    CHECK(latentFrames(17) == 5);
    CHECK(latentFrames(81) == 21);
    for (int scale : {1, 2, 4, 8})
        for (int frames = 1; frames < 200; ++frames) {
            const int padded = paddedFrames(frames, scale);
            CHECK(padded >= frames);
            CHECK(padded < frames + scale);
            CHECK((padded - 1) % scale == 0);
            CHECK(latentFrames(padded, scale) == latentFrames(frames, scale));
        }
}

TEST_CASE("the last frame is held", "[windows]") {
    CHECK(heldFrame(0, 3) == 0);
    CHECK(heldFrame(2, 3) == 2);
    CHECK(heldFrame(4, 3) == 2);
}

TEST_CASE("windows cover the clip in one length, overlapping as asked", "[windows]") {
    std::mt19937 random(5);
    for (int count = 0; count < 2000; ++count) {
        const int frames = 1 + static_cast<int>(random() % 300);
        const int length = 1 + static_cast<int>(random() % 40);
        const int overlap = static_cast<int>(random() % 45) - 2;
        const auto windows = planWindows(frames, length, overlap);
        const int kept = std::clamp(overlap, 0, length - 1);
        REQUIRE(windows.front().first == 0);
        REQUIRE(windows.back().end() == frames);
        for (size_t index = 0; index < windows.size(); ++index) {
            REQUIRE(windows[index].length == std::min(length, frames));
            if (index == 0) continue;
            REQUIRE(windows[index].first > windows[index - 1].first);
            const int shared = windows[index - 1].end() - windows[index].first;
            if (index + 1 < windows.size()) REQUIRE(shared == kept);
            REQUIRE(shared >= kept);
        }
    }
}

TEST_CASE("the last window slides back", "[windows]") {
    CHECK(planWindows(10, 4, 1) == std::vector<TimeWindow>{{0, 4}, {3, 4}, {6, 4}});
    CHECK(planWindows(11, 4, 1) == std::vector<TimeWindow>{{0, 4}, {3, 4}, {6, 4}, {7, 4}});
    CHECK(planWindows(3, 4, 1) == std::vector<TimeWindow>{{0, 3}});
    CHECK_THROWS_AS(planWindows(3, 0, 0), Error);
}

TEST_CASE("blending weights add up to 1 everywhere and never vanish", "[windows]") {
    std::mt19937 random(6);
    for (int count = 0; count < 1000; ++count) {
        const int frames = 1 + static_cast<int>(random() % 200);
        const int length = 1 + static_cast<int>(random() % 30);
        const auto windows = planWindows(frames, length, static_cast<int>(random() % 30));
        const auto weights = blendWeights(windows);
        std::vector<double> sum(static_cast<size_t>(frames), 0);
        for (size_t index = 0; index < windows.size(); ++index)
            for (int frame = 0; frame < windows[index].length; ++frame) {
                REQUIRE(weights[index][frame] > 0);
                sum[windows[index].first + frame] += weights[index][frame];
            }
        for (double value : sum) REQUIRE(value == Approx(1).margin(1e-6));
    }
}

TEST_CASE("a two-window overlap is a linear ramp, the clip's ends are flat", "[windows]") {
    const auto weights = blendWeights(planWindows(9, 6, 3));
    const std::vector<float> first = {1, 1, 1, .75f, .5f, .25f},
                             second = {.25f, .5f, .75f, 1, 1, 1};
    for (size_t frame = 0; frame < 6; ++frame) {
        CHECK(weights[0][frame] == Approx(first[frame]));
        CHECK(weights[1][frame] == Approx(second[frame]));
    }
}
