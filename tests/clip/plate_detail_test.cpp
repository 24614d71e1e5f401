#include "clip/plate_detail.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "clip/model_mask.h"
#include "support/error.h"

using namespace derrumbe;
using namespace derrumbe::clip;

namespace {

constexpr int kFrames = 13, kHeight = 32, kWidth = 40;

Clip noise(unsigned seed, float size) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> value(-size, size);
    Clip clip = Clip::filled(kFrames, kHeight, kWidth, 0);
    for (float& sample : clip.values) sample = value(random);
    return clip;
}

Frame picture(unsigned seed, int channels) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> value(0, 1);
    Frame frame;
    frame.data = frame.display = {-3, 5, 17, 11};
    frame.channels.assign(static_cast<size_t>(channels), "R");
    frame.pixels.resize(17 * 11 * static_cast<size_t>(channels));
    for (float& sample : frame.pixels) sample = value(random);
    return frame;
}

Frame weightOf(float value) {
    Frame weight = picture(0, 1);
    std::fill(weight.pixels.begin(), weight.pixels.end(), value);
    return weight;
}

}  // namespace

TEST_CASE("what the model left alone is the plate", "[detail]") {
    const Clip clip = noise(1, 0.7f);
    const ClipMask nothing = emptyMask(kFrames, kHeight, kWidth);
    for (const float weight : detailWeights(clip, clip, nothing).values)
        REQUIRE(weight == Approx(1).margin(1e-3));
    const Clip flat = Clip::filled(kFrames, kHeight, kWidth, 0.3f);
    for (const float weight : detailWeights(flat, flat, nothing).values)
        REQUIRE(weight == Approx(1).margin(1e-3));
    const Frame plate = picture(2, 3), small = picture(3, 3);
    Frame result = small;
    addPlateDetail(result, plate, small, weightOf(1));
    for (size_t i = 0; i < plate.pixels.size(); ++i)
        REQUIRE(result.pixels[i] == Approx(plate.pixels[i]).margin(1e-6));
}

TEST_CASE("where the weight is 0 the generated picture keeps its bits", "[detail]") {
    const Frame generated = picture(4, 3);
    Frame result = generated;
    addPlateDetail(result, picture(5, 3), picture(6, 3), weightOf(0));
    CHECK(result.pixels == generated.pixels);
}

TEST_CASE("a part that changes from one frame on loses its detail there alone", "[detail]") {
    const Clip reconstruction = noise(7, 0.5f), other = noise(17, 0.5f);
    Clip generated = reconstruction;
    const auto changes = [](int frame, int y, int x) {
        return frame >= 6 && y >= 8 && y < 26 && x >= 8 && x < 32;
    };
    for (int c = 0; c < 3; ++c)
        for (int frame = 0; frame < kFrames; ++frame)
            for (int y = 0; y < kHeight; ++y)
                for (int x = 0; x < kWidth; ++x)
                    if (changes(frame, y, x))
                        generated.plane(c, frame)[y * kWidth + x] =
                            other.plane(c, frame)[y * kWidth + x];
    const ClipMask weights =
        detailWeights(generated, reconstruction, emptyMask(kFrames, kHeight, kWidth));
    // The low-pass of the contrast reaches 12 pixels and 2 frames, but hardly past 5.
    for (int frame = 0; frame < kFrames; ++frame)
        for (int y = 0; y < kHeight; ++y)
            for (int x = 0; x < kWidth; ++x) {
                const float weight = weights.plane(frame)[y * kWidth + x];
                REQUIRE(weight >= 0);
                REQUIRE(weight <= 1);
                if (frame >= 8 && y >= 13 && y < 21 && x >= 13 && x < 27) REQUIRE(weight < 0.25f);
                if (frame < 4) REQUIRE(weight > 0.99f);
                if (y < 3 || x < 3 || x >= 37) REQUIRE(weight > 0.9f);
            }
}

TEST_CASE("haze leaves as much detail as contrast", "[detail]") {
    const Clip reconstruction = noise(18, 0.5f);
    Clip generated = reconstruction;
    for (float& value : generated.values) value = 0.4f * value + 0.5f;
    const ClipMask weights =
        detailWeights(generated, reconstruction, emptyMask(kFrames, kHeight, kWidth));
    for (const float weight : weights.values) REQUIRE(weight == Approx(0.4f).margin(0.03));
}

TEST_CASE("an edge of what is gone leaves no ghost in the sky above it", "[detail]") {
    Clip reconstruction = Clip::filled(kFrames, kHeight, kWidth, 0.2f);  // sky
    const Clip generated = reconstruction;                               // and nothing else left
    for (int c = 0; c < 3; ++c)
        for (int frame = 0; frame < kFrames; ++frame)
            std::fill_n(reconstruction.plane(c, frame) + 12 * kWidth, 20 * kWidth, 0.8f);
    const ClipMask mask{kFrames, kHeight, kWidth,
                        std::vector<float>(static_cast<size_t>(kFrames) * kHeight * kWidth, 1.f)};
    const ClipMask weights = detailWeights(generated, reconstruction, mask);
    for (int y = 9; y < kHeight; ++y)  // three pixels into the sky
        for (int x = 0; x < kWidth; ++x) REQUIRE(weights.plane(6)[y * kWidth + x] < 0.15f);
    CHECK(weights.plane(6)[0] == Approx(1).margin(1e-3));
}

TEST_CASE("noise that a model adds everywhere does not take the detail away", "[detail]") {
    const Clip reconstruction = noise(8, 0.5f);
    Clip generated = reconstruction;
    const Clip added = noise(9, 0.3f);  // mean departure 0.15
    for (size_t i = 0; i < added.values.size(); ++i) generated.values[i] += added.values[i];
    const ClipMask away = departure(generated, reconstruction);
    const ClipMask mask = emptyMask(kFrames, kHeight, kWidth);
    const DetailThresholds fitted = fitThresholds(away, mask);
    CHECK(fitted.unchanged == Approx(0.2f));  // as far as it goes
    CHECK(fitted.changed == Approx(0.3f));
    for (const float weight : unchanged(away, fitted).values) REQUIRE(weight == 1);
    const ClipMask weights = detailWeights(generated, reconstruction, mask);
    for (int frame = 0; frame < kFrames; ++frame)
        CHECK(weights.plane(frame)[16 * kWidth + 20] >
              0.6f);  // 0.74 of the variance is the plate's

    const DetailThresholds exact = fitThresholds(departure(generated, generated), mask);
    CHECK(exact.unchanged == DetailThresholds{}.unchanged);
    CHECK(exact.changed == DetailThresholds{}.changed);
    ClipMask all = mask;
    std::fill(all.values.begin(), all.values.end(), 1.f);
    CHECK(fitThresholds(away, all).unchanged == DetailThresholds{}.unchanged);  // nothing is kept
}

TEST_CASE("a departure is steadier over time than what it measures", "[detail]") {
    Clip generated = Clip::filled(kFrames, kHeight, kWidth, 0);
    const Clip reconstruction = generated;
    for (int c = 0; c < 3; ++c)
        for (int frame = 0; frame < kFrames; frame += 2)
            std::fill_n(generated.plane(c, frame), generated.planeSize(), 0.2f);
    const ClipMask away = departure(generated, reconstruction);
    for (int frame = 3; frame < kFrames - 3; ++frame)
        CHECK(std::abs(away.plane(frame)[100] - away.plane(frame + 1)[100]) < 0.01f);
}

TEST_CASE("what is no number counts as changed and is not spread", "[detail]") {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    Clip generated = noise(10, 0.5f);
    const Clip reconstruction = generated;
    for (int y = 15; y < 18; ++y)
        for (int x = 19; x < 22; ++x) generated.plane(1, 6)[y * kWidth + x] = nan;
    generated.plane(2, 6)[16 * kWidth + 20] = std::numeric_limits<float>::infinity();
    const ClipMask weights =
        detailWeights(generated, reconstruction, emptyMask(kFrames, kHeight, kWidth));
    for (const float weight : weights.values) REQUIRE(std::isfinite(weight));
    CHECK(weights.plane(6)[16 * kWidth + 20] < 0.98f);
    CHECK(weights.plane(0)[0] == Approx(1).margin(1e-3));

    const Frame whole = picture(11, 3);
    Frame result = whole, plate = picture(12, 3), small = picture(13, 3);
    plate.pixels[4] = nan;
    small.pixels[8] = -std::numeric_limits<float>::infinity();
    Frame weight = weightOf(0.5f);
    weight.pixels[9] = nan;
    addPlateDetail(result, plate, small, weight);
    for (const float sample : result.pixels) REQUIRE(std::isfinite(sample));
    for (const size_t kept : {4, 8, 27, 28, 29}) CHECK(result.pixels[kept] == whole.pixels[kept]);
}

TEST_CASE("pictures of other sizes are refused", "[detail]") {
    CHECK_THROWS_AS(departure(noise(1, 1), Clip::filled(1, 2, 3, 0)), Error);
    CHECK_THROWS_AS(fitThresholds(emptyMask(1, 2, 3), emptyMask(1, 2, 2)), Error);
    Frame result = picture(1, 3), other = picture(2, 3);
    other.data.x += 1;
    CHECK_THROWS_AS(addPlateDetail(result, other, result, weightOf(1)), Error);
}
