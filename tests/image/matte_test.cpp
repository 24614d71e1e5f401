#include "image/matte.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "fixtures.h"
#include "image/matte_shape.h"
#include "support/error.h"

using namespace derrumbe;
using namespace derrumbe::image;
using Catch::Matchers::Contains;

namespace {

Matte boxMatte(const Window& window, const Window& box) {
    Matte matte{window, std::vector<float>(static_cast<size_t>(window.width) * window.height)};
    for (int y = box.y; y < box.bottom(); ++y)
        for (int x = box.x; x < box.right(); ++x)
            matte.values[static_cast<size_t>(y - window.y) * window.width + (x - window.x)] = 1;
    return matte;
}

/// What growMatte must give for whole radii, straight from the definition.
Matte slowDilate(const Matte& matte, int radius) {
    Matte result = matte;
    const Window& w = matte.window;
    for (int y = w.y; y < w.bottom(); ++y)
        for (int x = w.x; x < w.right(); ++x) {
            float best = 0;
            for (int dy = -radius; dy <= radius; ++dy)
                for (int dx = -radius; dx <= radius; ++dx)
                    if (dx * dx + dy * dy <= radius * radius)
                        best = std::max(best, matte.at(x + dx, y + dy));
            result.values[static_cast<size_t>(y - w.y) * w.width + (x - w.x)] = best;
        }
    return result;
}

Matte noiseMatte(const Window& window, double share) {
    const Frame noise = patternFrame(window, window, {"A"}, false);
    Matte matte{window, noise.pixels};
    for (float& value : matte.values) value = value < share ? value / static_cast<float>(share) : 0;
    return matte;
}

MatteRequest requestFor(const std::string& file, const std::string& channel = "") {
    MatteRequest request;
    request.file = file;
    request.channel = channel;
    return request;
}

}  // namespace

TEST_CASE("growing is a maximum over a disc", "[matte]") {
    for (int radius : {1, 2, 5, 9}) {
        Matte matte = noiseMatte({-3, 2, 40, 31}, 0.02);
        const Matte expected = slowDilate(matte, radius);
        growMatte(matte, radius);
        CHECK(matte.values == expected.values);
    }
}

TEST_CASE("growing then shrinking a box gives the box", "[matte]") {
    const Window window = {0, 0, 60, 50};
    Matte matte = boxMatte(window, {20, 15, 20, 20});
    const Matte box = matte;
    growMatte(matte, 6);
    CHECK(matte.bounds() == Window{14, 9, 32, 32});
    growMatte(matte, -6);
    CHECK(matte.values == box.values);
    growMatte(matte, -12);
    CHECK(matte.bounds().empty());
}

TEST_CASE("a fraction of a pixel lies between the whole radii", "[matte]") {
    const Window window = {0, 0, 30, 30};
    Matte matte = boxMatte(window, {15, 15, 1, 1});
    growMatte(matte, 2.25);
    CHECK(matte.at(17, 15) == 1);
    CHECK(matte.at(18, 15) == Approx(0.25));
    CHECK(matte.at(19, 15) == 0);
}

TEST_CASE("the frame's border is no edge", "[matte]") {
    const Window window = {-4, 0, 40, 30};
    Matte full = boxMatte(window, window);
    growMatte(full, -5);
    CHECK(full.coverage() == 1);
    featherMatte(full, 12);
    CHECK(full.coverage() == 1);
}

TEST_CASE("feather makes a ramp of its width, centred on the edge", "[matte]") {
    for (double pixels : {3., 8., 20., 60., 200.}) {
        INFO(pixels);
        const Window window = {0, 0, 600, 9};
        Matte matte = boxMatte(window, {300, 0, 300, 9});
        featherMatte(matte, pixels);
        const int reach = static_cast<int>(pixels / 2);
        CHECK(matte.at(300 - reach - 1, 4) == 0);
        CHECK(matte.at(300 + reach, 4) == 1);
        CHECK(matte.at(299, 4) + matte.at(300, 4) == Approx(1).margin(1e-5));
        bool rising = true;
        for (int x = 1; x < 600; ++x) rising = rising && matte.at(x, 4) >= matte.at(x - 1, 4);
        CHECK(rising);
        // A Gaussian of sigma = pixels / 6 has 0.1587 one sigma outside the edge.
        if (pixels >= 20) {
            const int sigma = static_cast<int>(pixels / 6);
            CHECK(matte.at(299 - sigma, 4) == Approx(0.1587).margin(0.05));
        }
    }
}

TEST_CASE("feather keeps zero at zero and one at one, exactly", "[matte]") {
    for (double pixels : {7., 90.}) {
        Matte matte = boxMatte({0, 0, 300, 300}, {100, 100, 100, 100});
        featherMatte(matte, pixels);
        const Window bounds = matte.bounds();
        const int reach = static_cast<int>(std::ceil(pixels / 2));
        CHECK(bounds.x >= 100 - reach);
        CHECK(bounds.right() <= 200 + reach);
        CHECK(matte.at(150, 150) == 1);
        CHECK(matte.at(0, 0) == 0);
    }
}

TEST_CASE("NaN and values out of range are made safe", "[matte]") {
    TemporaryFolder folder;
    Frame frame;
    frame.data = frame.display = {0, 0, 6, 1};
    frame.channels = {"A"};
    const float infinite = std::numeric_limits<float>::infinity();
    frame.pixels = {std::nanf(""), -1, 2, infinite, -infinite, 0.25f};
    writeFixture(folder.file("m.exr"), frame, {"float"});
    const Matte matte = readMatte(requestFor(folder.file("m.exr")), frame.data, frame.display);
    CHECK(matte.values == std::vector<float>{0, 0, 1, 1, 0, 0.25f});
    MatteRequest inverted = requestFor(folder.file("m.exr"));
    inverted.invert = true;
    CHECK(readMatte(inverted, frame.data, frame.display).values ==
          std::vector<float>{1, 1, 0, 0, 1, 0.75f});
}

TEST_CASE("the channel is A, else the first, else as asked", "[matte]") {
    TemporaryFolder folder;
    const Window window = {0, 0, 8, 4};
    const Frame frame = patternFrame(window, window, {"R", "G", "B", "A"}, false);
    writeFixture(folder.file("rgba.exr"), frame, {"float"});
    const Frame grey = patternFrame(window, window, {"mask.x"}, false);
    writeFixture(folder.file("grey.exr"), grey, {"float"});
    const auto value = [&](const char* file, const char* channel) {
        return readMatte(requestFor(folder.file(file), channel), window, window).at(3, 2);
    };
    CHECK(value("rgba.exr", "") == frame.at(3, 2)[3]);
    CHECK(value("rgba.exr", "G") == frame.at(3, 2)[1]);
    CHECK(value("grey.exr", "") == grey.at(3, 2)[0]);
    const float* p = frame.at(3, 2);
    CHECK(value("rgba.exr", "luminance") == Approx(0.2126 * p[0] + 0.7152 * p[1] + 0.0722 * p[2]));
    CHECK_THROWS_WITH(value("grey.exr", "mask.y"), Contains("did you mean 'mask.x'"));
    CHECK_THROWS_WITH(value("rgba.exr", "holdout"), Contains("R, G, B, A"));
    CHECK_THROWS_AS(checkMatte(requestFor(folder.file("rgba.exr"), "holdout"), window, window),
                    Error);
}

TEST_CASE("a matte with another data window is 0 outside of it", "[matte]") {
    TemporaryFolder folder;
    const Window plateData = {-8, -4, 64, 32}, display = {0, 0, 48, 24};
    const Frame frame = patternFrame({10, 6, 20, 10}, display, {"A"}, false);
    writeFixture(folder.file("m.exr"), frame, {"float"});
    const Matte matte = readMatte(requestFor(folder.file("m.exr")), plateData, display);
    CHECK(matte.window == plateData);
    CHECK(matte.at(10, 6) == frame.at(10, 6)[0]);
    CHECK(matte.at(29, 15) == frame.at(29, 15)[0]);
    CHECK(matte.at(9, 6) == 0);
    CHECK(matte.at(-8, -4) == 0);
    MatteRequest inverted = requestFor(folder.file("m.exr"));
    inverted.invert = true;
    CHECK(readMatte(inverted, plateData, display).at(-8, -4) == 1);
}

TEST_CASE("a plain picture of the data window's size is laid over it", "[matte]") {
    TemporaryFolder folder;
    const Window plateData = {-8, -4, 64, 32}, display = {0, 0, 48, 24};
    const Frame frame = patternFrame({0, 0, 64, 32}, {0, 0, 64, 32}, {"Y"}, false);
    writeFixture(folder.file("m.png"), frame, {"uint8"});
    const Matte matte = readMatte(requestFor(folder.file("m.png")), plateData, display);
    CHECK(matte.at(-8, -4) == Approx(frame.at(0, 0)[0]).margin(0.003));
}

TEST_CASE("a matte of another size is an error that says both", "[matte]") {
    TemporaryFolder folder;
    const Frame frame = patternFrame({0, 0, 32, 16}, {0, 0, 32, 16}, {"A"}, false);
    writeFixture(folder.file("m.exr"), frame, {"half"});
    const Window plate = {0, 0, 48, 24};
    CHECK_THROWS_WITH(readMatte(requestFor(folder.file("m.exr")), plate, plate),
                      Contains("32x16") && Contains("48x24") && Contains("m.exr"));
}

TEST_CASE("united mattes are the greater of the two", "[matte]") {
    const Window window = {0, 0, 4, 1};
    Matte matte;
    uniteMattes(matte, {window, {0, 0.5f, 1, 0}});
    uniteMattes(matte, {window, {0.2f, 0.1f, 0, 0}});
    CHECK(matte.values == std::vector<float>{0.2f, 0.5f, 1, 0});
    CHECK_THROWS_AS(uniteMattes(matte, {{1, 0, 4, 1}, {0, 0, 0, 0}}), Error);
}

TEST_CASE("a matte that is subtracted is cut out, soft edges multiply", "[matte]") {
    const Window window = {-2, 1, 5, 1};
    Matte matte{window, {1, 1, 0.5f, 0.3f, 0}};
    subtractMatte(matte, {window, {0, 1, 0.5f, 0, 0.7f}});
    CHECK(matte.values == std::vector<float>{1, 0, 0.25f, 0.3f, 0});
    CHECK_THROWS_AS(subtractMatte(matte, {{0, 0, 5, 1}, std::vector<float>(5)}), Error);
}
