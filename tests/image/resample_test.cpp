#include "image/resample.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "fixtures.h"
#include "support/error.h"

using namespace derrumbe;
using namespace derrumbe::image;

namespace {

const std::vector<Filter> allFilters = {Filter::Box, Filter::Triangle, Filter::Mitchell,
                                        Filter::Lanczos3};

Frame rampFrame(int width, int height) {
    Frame frame;
    frame.data = frame.display = {0, 0, width, height};
    frame.channels = {"R", "G", "B"};
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x) {
            frame.pixels.push_back(static_cast<float>((x + 0.5) / width));
            frame.pixels.push_back(static_cast<float>((y + 0.5) / height));
            frame.pixels.push_back(0.25f);
        }
    return frame;
}

/// Centre of mass of channel R, in parts of the picture's size.
std::pair<double, double> centre(const Frame& frame) {
    double sum = 0, x = 0, y = 0;
    for (int row = 0; row < frame.data.height; ++row)
        for (int column = 0; column < frame.data.width; ++column) {
            const double value = frame.at(frame.data.x + column, frame.data.y + row)[0];
            sum += value;
            x += value * (column + 0.5);
            y += value * (row + 0.5);
        }
    return {x / sum / frame.data.width, y / sum / frame.data.height};
}

}  // namespace

TEST_CASE("a ramp stays the ramp at every size: edges map to edges", "[resample]") {
    const Frame ramp = rampFrame(120, 80);
    for (const Filter filter : allFilters) {
        for (const auto& [width, height] :
             {std::pair{48, 32}, std::pair{53, 31}, std::pair{240, 160}, std::pair{171, 99}}) {
            const Frame result = resize(ramp, width, height, filter);
            INFO(static_cast<int>(filter) << " " << width << "x" << height);
            double worst = 0;
            for (int y = height / 5; y < height - height / 5; ++y)
                for (int x = width / 5; x < width - width / 5; ++x) {
                    worst = std::max(worst, std::abs(result.at(x, y)[0] - (x + 0.5) / width));
                    worst = std::max(worst, std::abs(result.at(x, y)[1] - (y + 0.5) / height));
                    worst = std::max(worst, std::abs(result.at(x, y)[2] - 0.25));
                }
            // Box enlarges by steps, and the windowed sinc is no perfect interpolator of lines.
            CHECK(worst < (filter == Filter::Box && width > 120 ? 0.006 : 0.002));
        }
    }
}

TEST_CASE("nothing moves by a part of a pixel, there and back", "[resample]") {
    Frame spot = rampFrame(200, 160);
    for (int y = 0; y < 160; ++y)
        for (int x = 0; x < 200; ++x) {
            const double dx = x + 0.5 - 91.3, dy = y + 0.5 - 70.7;
            for (int c = 0; c < 3; ++c)
                spot.at(x, y)[c] = static_cast<float>(std::exp(-(dx * dx + dy * dy) / 200));
        }
    const auto [x0, y0] = centre(spot);
    for (const auto& [width, height] : {std::pair{64, 48}, std::pair{97, 53}}) {
        const Frame small = resize(spot, width, height, reduceForModel);
        const Frame back = resizeInto(small, {-7, 13, 200, 160}, {0, 0, 1, 1}, enlargeFromModel);
        CHECK(back.data == Window{-7, 13, 200, 160});
        const auto [x1, y1] = centre(small);
        const auto [x2, y2] = centre(back);
        CHECK(std::abs(x1 - x0) * 200 < 0.01);
        CHECK(std::abs(y1 - y0) * 160 < 0.01);
        CHECK(std::abs(x2 - x0) * 200 < 0.02);
        CHECK(std::abs(y2 - y0) * 160 < 0.02);
    }
}

TEST_CASE("a box of whole pixels is resized as its window, bit for bit", "[resample]") {
    const Frame frame = patternFrame({-7, 5, 40, 31}, {0, 0, 64, 64}, {"R", "G", "B"}, true);
    Matte matte{frame.data, std::vector<float>(40 * 31)};
    for (size_t i = 0; i < matte.values.size(); ++i)
        matte.values[i] = static_cast<float>(i % 7) / 6;
    for (const Filter filter : allFilters)
        for (const int size : {16, 31, 40, 77}) {
            const Box box(-7, 5, 40, 31);
            CHECK(sameBits(resizeFrom(frame, box, size, size, filter).pixels,
                           resize(frame, size, size, filter).pixels));
            CHECK(sameBits(resizeInto(frame, Box(3, -2, size, size), {}, filter).pixels,
                           resize(frame, size, size, filter).pixels));
        }
    CHECK_THROWS_AS(resizeFrom(frame, Box(-6.5, 5, 40, 31), 16, 16, Filter::Box), Error);
    CHECK(sameBits(resizeMatte(matte, Box(-7, 5, 40, 31), 16, 16).values,
                   resizeMatte(matte, frame.data, 16, 16).values));
}

TEST_CASE("a picture goes to the model and back by any part of a pixel and does not move",
          "[resample]") {
    // Waves of 24 pixels and more: what a crop at the model's resolution carries.
    const auto wave = [](double x, double y) {
        return 0.5 + 0.2 * std::sin(0.26 * x + 0.05 * y) + 0.2 * std::cos(0.22 * y - 0.1 * x);
    };
    Frame plate;
    plate.data = plate.display = {0, 0, 140, 110};
    plate.channels = {"R", "G", "B"};
    for (int y = 0; y < 110; ++y)
        for (int x = 0; x < 140; ++x)
            for (int c = 0; c < 3; ++c)
                plate.pixels.push_back(static_cast<float>(wave(x + 0.5, y + 0.5)));
    for (const double part : {0.0, 0.015625, 0.25, 0.5, 0.734375}) {
        for (const double scale : {1.0, 0.75}) {
            const Box box(20 + part, 15 + part / 2, 96, 64);
            const int width = static_cast<int>(96 * scale), height = static_cast<int>(64 * scale);
            const Frame small =
                resizeFrom(cropColour(plate, box.touched()), box, width, height, reduceForModel);
            double there = 0, back = 0;
            for (int y = 8; y < height - 8; ++y)
                for (int x = 8; x < width - 8; ++x)
                    there = std::max(there,
                                     std::abs(small.at(x, y)[0] - wave(box.x + (x + 0.5) / scale,
                                                                       box.y + (y + 0.5) / scale)));
            const Frame again = resizeInto(small, box, plate.display, enlargeFromModel);
            REQUIRE(again.data == box.pixels());
            for (int y = again.data.y + 10; y < again.data.bottom() - 10; ++y)
                for (int x = again.data.x + 10; x < again.data.right() - 10; ++x)
                    back = std::max(back, std::abs(again.at(x, y)[0] - wave(x + 0.5, y + 0.5)));
            CAPTURE(part, scale);
            // Of a picture in [0.1, 0.9]; a shift by a tenth of a pixel would be 0.006.
            CHECK(there < 0.004);
            CHECK(back < 0.012);
            // What is left is the softness of the way back, not a shift.
            const auto [x0, y0] = centre(again);
            const Frame whole = cropColour(plate, again.data);
            const auto [x1, y1] = centre(whole);
            CHECK(std::abs(x0 - x1) * 96 < 0.01);
            CHECK(std::abs(y0 - y1) * 64 < 0.01);
        }
    }
}

TEST_CASE("no filter rings around HDR highlights", "[resample]") {
    Frame frame = rampFrame(64, 64);
    for (float& value : frame.pixels) value = 0.1f;
    for (int y = 30; y < 34; ++y)
        for (int x = 30; x < 34; ++x) frame.at(x, y)[0] = 1000;
    for (const Filter filter : allFilters)
        for (int size : {20, 37, 64, 150}) {
            const Frame result = resize(frame, size, size, filter);
            for (const float value : result.pixels) {
                REQUIRE(value >= 0.0999f);
                REQUIRE(value <= 1000.1f);
            }
        }
}

TEST_CASE("equal sizes copy, samples that are not finite count as 0", "[resample]") {
    Frame frame = patternFrame({-4, 2, 16, 9}, {0, 0, 16, 9}, {"R", "G", "B"}, true);
    CHECK(sameBits(resize(frame, 16, 9, Filter::Lanczos3).pixels, frame.pixels));
    frame.pixels[10] = std::nanf("");
    frame.pixels[40] = std::numeric_limits<float>::infinity();
    for (const float value : resize(frame, 7, 5, Filter::Lanczos3).pixels)
        REQUIRE(std::isfinite(value));
    CHECK_THROWS_AS(resize(frame, 0, 5, Filter::Box), Error);
}

TEST_CASE("the crop is the plate's colours, its border goes on outside", "[resample]") {
    const Frame plate = patternFrame({-4, -2, 20, 10}, {0, 0, 12, 6}, {"Z", "R", "G", "B"}, true);
    const Frame crop = cropColour(plate, {-6, 0, 10, 12});
    CHECK(crop.data == Window{-6, 0, 10, 12});
    CHECK(crop.at(-2, 3)[0] == plate.at(-2, 3)[1]);
    CHECK(crop.at(-6, 3)[2] == plate.at(-4, 3)[3]);
    CHECK(crop.at(0, 11)[1] == plate.at(0, 7)[2]);
    const Frame grey = patternFrame({0, 0, 4, 4}, {0, 0, 4, 4}, {"Y"}, true);
    CHECK(cropColour(grey, {0, 0, 4, 4}).at(2, 2)[2] == grey.at(2, 2)[0]);
    const Frame depth = patternFrame({0, 0, 4, 4}, {0, 0, 4, 4}, {"Z"}, true);
    CHECK_THROWS_AS(cropColour(depth, {0, 0, 4, 4}), Error);
}

TEST_CASE("a reduced matte keeps its area", "[resample]") {
    Matte matte{{-10, -10, 100, 80}, std::vector<float>(8000)};
    for (int y = 7; y < 38; ++y)
        for (int x = 11; x < 60; ++x) matte.values[static_cast<size_t>(y + 10) * 100 + x + 10] = 1;
    const Matte small = resizeMatte(matte, matte.window, 33, 21);
    CHECK(small.coverage() == Approx(matte.coverage()).epsilon(1e-4));
    const Matte large = resizeMatte(matte, matte.window, 200, 160);
    CHECK(large.coverage() == Approx(matte.coverage()).epsilon(1e-2));
}
