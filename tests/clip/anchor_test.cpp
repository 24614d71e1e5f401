#include "clip/anchor.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "clip/model_mask.h"
#include "support/error.h"

using namespace derrumbe;
using namespace derrumbe::clip;

namespace {

constexpr int kFrames = 9, kHeight = 48, kWidth = 64;

Clip picture(unsigned seed) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> value(-0.6f, 0.6f);
    Clip clip = Clip::filled(kFrames, kHeight, kWidth, 0);
    for (float& sample : clip.values) sample = value(random);
    return clip;
}

/// A box that is masked from frame 3 on.
ClipMask boxMask() {
    ClipMask mask = emptyMask(kFrames, kHeight, kWidth);
    for (int frame = 3; frame < kFrames; ++frame)
        for (int y = 16; y < 32; ++y)
            for (int x = 20; x < 44; ++x) mask.plane(frame)[y * kWidth + x] = 1;
    return mask;
}

double worst(const Clip& a, const Clip& b) {
    double most = 0;
    for (size_t index = 0; index < a.values.size(); ++index)
        most = std::max(most, std::abs(static_cast<double>(a.values[index]) - b.values[index]));
    return most;
}

}  // namespace

TEST_CASE("a shift of gain and offset is undone, inside the mask too", "[anchor]") {
    const Clip plate = picture(1);
    Clip generated = plate;
    const float gain[] = {1.1f, 0.9f, 1.0f}, offset[] = {0.05f, -0.04f, 0.1f};
    for (int channel = 0; channel < 3; ++channel)
        for (int frame = 0; frame < kFrames; ++frame)
            for (size_t index = 0; index < plate.planeSize(); ++index) {
                float& sample = generated.plane(channel, frame)[index];
                sample = sample * gain[channel] + offset[channel];
            }
    CHECK(worst(generated, plate) > 0.05);
    applyAnchor(generated, fitAnchor(generated, plate, boxMask()));
    CHECK(worst(generated, plate) < 2e-3);
}

TEST_CASE("no drift stays as it is", "[anchor]") {
    const Clip plate = picture(2);
    const Anchor anchor = fitAnchor(plate, plate, boxMask());
    for (int channel = 0; channel < 3; ++channel)
        for (int frame = 0; frame < kFrames; ++frame) {
            CHECK(anchor.gain[channel][frame] == Approx(1).margin(1e-6));
            CHECK(anchor.offset[channel][frame] == Approx(0).margin(1e-6));
        }
}

TEST_CASE("what was masked does not vote, and a fifth of dust in the ring hardly does",
          "[anchor]") {
    const Clip plate = picture(3);
    Clip generated = plate;
    const ClipMask mask = boxMask();
    std::mt19937 random(8);
    for (int channel = 0; channel < 3; ++channel)
        for (int frame = 0; frame < kFrames; ++frame)
            for (size_t index = 0; index < plate.planeSize(); ++index) {
                float& sample = generated.plane(channel, frame)[index];
                sample += 0.06f;
                if (mask.plane(frame)[index] == 1)
                    sample = 0.9f;
                else if (random() % 5 == 0)
                    sample = 0.8f;
            }
    const Anchor anchor = fitAnchor(generated, plate, mask);
    for (int channel = 0; channel < 3; ++channel)
        for (int frame = 0; frame < kFrames; ++frame) {
            CHECK(anchor.gain[channel][frame] == Approx(1).margin(0.02));
            CHECK(anchor.offset[channel][frame] == Approx(-0.06).margin(0.01));
        }
}

TEST_CASE("one odd frame moves less when smoothed over time", "[anchor]") {
    const Clip plate = picture(4);
    Clip generated = plate;
    for (int channel = 0; channel < 3; ++channel)
        for (size_t index = 0; index < plate.planeSize(); ++index)
            generated.plane(channel, 6)[index] += 0.1f;
    const auto jump = [&](double smoothing) {
        AnchorOptions options;
        options.smoothing = smoothing;
        const Anchor anchor = fitAnchor(generated, plate, boxMask(), options);
        return std::abs(anchor.offset[0][6] - anchor.offset[0][5]);
    };
    CHECK(jump(0) == Approx(0.1).margin(5e-3));
    CHECK(jump(3) < 0.03);
}

TEST_CASE("nothing to compare, or a flat ring, gives no wild gain", "[anchor]") {
    const Clip plate = picture(5);
    ClipMask all = emptyMask(kFrames, kHeight, kWidth);
    std::fill(all.values.begin(), all.values.end(), 1.f);
    const Anchor none = fitAnchor(picture(6), plate, all);
    CHECK(none.gain[0][0] == 1);
    CHECK(none.offset[0][0] == 0);

    const Clip grey = Clip::filled(kFrames, kHeight, kWidth, 0.2f),
               darker = Clip::filled(kFrames, kHeight, kWidth, 0.1f);
    const Anchor flat = fitAnchor(darker, grey, boxMask());
    CHECK(flat.gain[1][4] == Approx(1).margin(1e-3));
    CHECK(flat.offset[1][4] == Approx(0.1).margin(1e-3));

    const Anchor wild = fitAnchor(picture(7), plate, boxMask());
    for (int frame = 0; frame < kFrames; ++frame) {
        CHECK(wild.gain[2][frame] >= Approx(1 / 1.4));
        CHECK(std::abs(wild.offset[2][frame]) <= 0.3f);
    }
}

TEST_CASE("applying stays within [-1, 1] and hands a NaN on", "[anchor]") {
    Clip clip = Clip::filled(1, 1, 2, 0.9f);
    clip.values[1] = std::numeric_limits<float>::quiet_NaN();
    Anchor anchor = Anchor::identity(1);
    anchor.gain[0][0] = 1.3f;
    applyAnchor(clip, anchor);
    CHECK(clip.values[0] == 1);
    CHECK(std::isnan(clip.values[1]));
    CHECK(clip.values[2] == 0.9f);
    CHECK_THROWS_AS(fitAnchor(clip, Clip::filled(2, 1, 2, 0), emptyMask(1, 1, 2)), Error);
}
