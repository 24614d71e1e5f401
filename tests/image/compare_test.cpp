#include "image/compare.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "fixtures.h"

using namespace derrumbe;
using namespace derrumbe::image;
using Catch::Matchers::Contains;

TEST_CASE("differences are measured", "[compare]") {
    const Frame a = patternFrame({-2, -1, 10, 10}, {0, 0, 8, 8}, {"R", "G", "B"}, false);
    Frame b = a;
    CHECK(compareFrames(a, b).identical());
    CHECK(std::isinf(compareFrames(a, b).psnr));
    b.at(3, 4)[1] += 0.5f;
    const Comparison result = compareFrames(a, b);
    CHECK_FALSE(result.identical());
    CHECK(result.maxError == Approx(0.5));
    CHECK(result.rmse == Approx(0.5 / std::sqrt(300.)));
    CHECK(result.psnr == Approx(20 * std::log10(std::sqrt(300.) / 0.5)));
    CHECK(result.differing == 1);
    CHECK(result.worstChannel == "G");
    CHECK(result.worstX == 3);
    CHECK(result.worstY == 4);
    CHECK(result.within(0.51));
    CHECK_FALSE(result.within(0.49));
    CHECK(differenceMap(a, b).at(3, 4)[0] == Approx(0.5));
    CompareOptions red;
    red.channels = {"R"};
    CHECK(compareFrames(a, b, red).identical());
}

TEST_CASE("sizes, windows and channels that differ are no match", "[compare]") {
    const Frame a = patternFrame({0, 0, 8, 8}, {0, 0, 8, 8}, {"R", "G", "B"}, false);
    Frame wide = patternFrame({0, 0, 9, 8}, {0, 0, 8, 8}, {"R", "G", "B"}, false);
    CHECK_THAT(compareFrames(a, wide).mismatch, Contains("9x8"));
    Frame shown = a;
    shown.display = {0, 0, 7, 8};
    CHECK_THAT(compareFrames(a, shown).mismatch, Contains("display"));
    Frame alpha = patternFrame({0, 0, 8, 8}, {0, 0, 8, 8}, {"R", "G", "B", "A"}, false);
    CHECK_THAT(compareFrames(a, alpha).mismatch, Contains("channel A is missing in the first"));
    CHECK_FALSE(compareFrames(a, alpha).within(1e9));
}

TEST_CASE("NaN equals NaN, and nothing else", "[compare]") {
    Frame a = patternFrame({0, 0, 2, 1}, {0, 0, 2, 1}, {"R"}, false);
    Frame b = a;
    a.pixels[0] = b.pixels[0] = std::nanf("");
    CHECK(compareFrames(a, b).identical());
    b.pixels[0] = 1;
    CHECK(compareFrames(a, b).notFinite == 1);
    CHECK_FALSE(compareFrames(a, b).within(10));
}
