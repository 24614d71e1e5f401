#include "clip/stitch.h"

#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "support/error.h"

using namespace derrumbe;
using namespace derrumbe::clip;

namespace {

Frame frameOf(const Window& data, std::vector<std::string> channels) {
    Frame frame;
    frame.data = frame.display = data;
    frame.channels = std::move(channels);
    frame.pixels.assign(static_cast<size_t>(data.width) * data.height * frame.channels.size(), 0.f);
    return frame;
}

/// Any 32 bits at all: subnormals, infinities, NaNs with payloads.
void fillWithBits(Frame& frame, std::mt19937& random) {
    for (float& sample : frame.pixels)
        sample = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
}

bool sameBits(float a, float b) {
    return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

}  // namespace

TEST_CASE("outside the matte no bit changes, whatever the plate and the generated hold",
          "[stitch]") {
    std::mt19937 random(21);
    const auto pick = [&](int low, int high) {
        return std::uniform_int_distribution<int>(low, high)(random);
    };
    const std::vector<std::vector<std::string>> layouts = {
        {"R", "G", "B"}, {"A", "B", "G", "R"}, {"R", "G", "B", "A", "Z"}, {"Y"}};
    for (int count = 0; count < 300; ++count) {
        Frame plate = frameOf({pick(-20, 20), pick(-20, 20), pick(1, 40), pick(1, 40)},
                              layouts[count % layouts.size()]);
        fillWithBits(plate, random);
        Frame generated =
            frameOf({pick(-20, 20), pick(-20, 20), pick(1, 40), pick(1, 40)}, {"R", "G", "B"});
        fillWithBits(generated, random);
        Matte matte{{pick(-20, 20), pick(-20, 20), pick(1, 40), pick(1, 40)}, {}};
        for (int index = 0; index < matte.window.width * matte.window.height; ++index)
            matte.values.push_back(random() % 2 ? 0.f : static_cast<float>(random() % 101) / 100);
        const Frame before = plate;
        const StitchCounts counts = stitch(plate, matte, generated);
        std::int64_t inside = 0;
        for (int y = plate.data.y; y < plate.data.bottom(); ++y)
            for (int x = plate.data.x; x < plate.data.right(); ++x) {
                const bool matted = matte.at(x, y) > 0;
                inside += matted;
                const bool there = x >= generated.data.x && y >= generated.data.y &&
                                   x < generated.data.right() && y < generated.data.bottom();
                for (int channel = 0; channel < plate.channelCount(); ++channel) {
                    const std::string& name = plate.channels[channel];
                    const float was = before.at(x, y)[channel], is = plate.at(x, y)[channel];
                    if (!matted || !there || name == "A" || name == "Z") REQUIRE(sameBits(was, is));
                    if (std::isfinite(was)) REQUIRE(std::isfinite(is));
                }
            }
        REQUIRE(counts.touched + counts.nonFinite + counts.uncovered == inside);
    }
}

TEST_CASE("inside the matte the blend is linear", "[stitch]") {
    Frame plate = frameOf({0, 0, 3, 1}, {"R", "G", "B", "A"});
    plate.pixels = {1, 2, 3, 0.5f, 1, 2, 3, 0.5f, 1, 2, 3, 0.5f};
    Frame generated = frameOf({0, 0, 3, 1}, {"B", "G", "R"});
    generated.pixels = {30, 20, 10, 30, 20, 10, 30, 20, 10};
    const StitchCounts counts = stitch(plate, {{0, 0, 3, 1}, {0, 0.25f, 1}}, generated);
    CHECK(plate.pixels ==
          std::vector<float>{1, 2, 3, 0.5f, 3.25f, 6.5f, 9.75f, 0.5f, 10, 20, 30, 0.5f});
    CHECK(counts.touched == 2);
    CHECK(counts.clamped == 0);
}

TEST_CASE("generated values that are no numbers leave the plate, too large ones are clamped",
          "[stitch]") {
    const float nan = std::numeric_limits<float>::quiet_NaN(),
                infinity = std::numeric_limits<float>::infinity();
    Frame plate = frameOf({0, 0, 4, 1}, {"R", "G", "B"});
    plate.pixels = {1, 2, 3, 1, 2, 3, 1, 2, 3, nan, infinity, 3};
    Frame generated = frameOf({0, 0, 4, 1}, {"R", "G", "B"});
    generated.pixels = {nan, 5, 5, 5, 5, -infinity, 1e6f, -1e6f, 5, 7, 8, 9};
    const StitchCounts counts = stitch(plate, {{0, 0, 4, 1}, {1, 1, 1, 0.5f}}, generated);
    CHECK(counts.nonFinite == 2);
    CHECK(counts.clamped == 2);
    CHECK(counts.touched == 2);
    CHECK(plate.pixels == std::vector<float>{1, 2, 3, 1, 2, 3, 65504, -65504, 5, 7, 8, 6});
}

TEST_CASE("a plate without colour takes luminance, one without picture is refused", "[stitch]") {
    Frame plate = frameOf({0, 0, 1, 1}, {"Y"});
    Frame generated = frameOf({0, 0, 1, 1}, {"R", "G", "B"});
    generated.pixels = {1, 2, 3};
    stitch(plate, {{0, 0, 1, 1}, {1}}, generated);
    CHECK(plate.pixels[0] == Approx(0.2126 + 2 * 0.7152 + 3 * 0.0722));
    Frame depth = frameOf({0, 0, 1, 1}, {"Z"});
    CHECK_THROWS_AS(stitch(depth, {{0, 0, 1, 1}, {1}}, generated), Error);
}
