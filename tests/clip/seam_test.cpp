#include "clip/seam.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "clip/model_mask.h"
#include "picture_of_waves.h"
#include "support/error.h"

using namespace derrumbe;
using namespace derrumbe::clip;

namespace {

constexpr int kFrames = 3, kHeight = 64, kWidth = 80;

/// A matte of the right half, its edge four pixels soft around column 40; nothing in frame 0.
ClipMask softMatte() {
    ClipMask matte = emptyMask(kFrames, kHeight, kWidth);
    for (int frame = 1; frame < kFrames; ++frame)
        for (int y = 0; y < kHeight; ++y)
            for (int x = 0; x < kWidth; ++x)
                matte.plane(frame)[y * kWidth + x] =
                    std::clamp((static_cast<float>(x) - 37.5f) / 4, 0.f, 1.f);
    return matte;
}

ClipMask maskOf(const ClipMask& matte) {
    ClipMask mask = matte;
    for (float& value : mask.values) value = value > 0 ? 1.f : 0.f;
    return mask;
}

Clip plateClip() {
    return wavesAtRest(kFrames, kHeight, kWidth);
}

/// The plate, and where the mask is `more` on top of it.
Clip hazy(const Clip& plate, const ClipMask& mask, float more) {
    Clip made = plate;
    for (int c = 0; c < 3; ++c)
        for (int frame = 0; frame < kFrames; ++frame)
            for (size_t i = 0; i < plate.planeSize(); ++i)
                made.plane(c, frame)[i] += more * mask.plane(frame)[i];
    return made;
}

float left(const Clip& healed, const Clip& plate, int x) {
    const int i = 32 * kWidth + x;
    return healed.plane(1, 1)[i] - plate.plane(1, 1)[i];
}

}  // namespace

TEST_CASE("haze runs out at the matte's edge and stays far from it", "[seam]") {
    const Clip plate = plateClip();
    const ClipMask matte = softMatte(), mask = maskOf(matte);
    const Clip made = hazy(plate, mask, 0.2f);
    Clip healed = made;
    healSeam(healed, plate, matte, mask, 2);
    CHECK(left(healed, plate, 40) < 0.07f);  // of 0.2
    for (int x = 42; x < 70; ++x)
        CHECK(left(healed, plate, x) > left(healed, plate, x - 1) - 1e-4f);
    CHECK(left(healed, plate, 52) > 0.08f);
    CHECK(left(healed, plate, 64) > 0.19f);
    for (int x = 0; x < 38; ++x) CHECK(left(healed, plate, x) == 0);
    // Without a mask, as before the onset, nothing is touched.
    for (int c = 0; c < 3; ++c)
        CHECK(
            std::equal(made.plane(c, 0), made.plane(c, 0) + made.planeSize(), healed.plane(c, 0)));
}

TEST_CASE("what goes over into the plate keeps its bits", "[seam]") {
    const Clip plate = plateClip();
    const ClipMask matte = softMatte();
    Clip made = plate;
    healSeam(made, plate, matte, maskOf(matte), 1);
    CHECK(made.values == plate.values);
}

TEST_CASE("a hard matte heals too", "[seam]") {
    const Clip plate = plateClip();
    ClipMask matte = softMatte();
    for (float& value : matte.values) value = value > 0.5f ? 1.f : 0.f;
    ClipMask mask = emptyMask(kFrames, kHeight, kWidth);  // reaches two pixels farther
    for (int frame = 1; frame < kFrames; ++frame)
        for (int y = 0; y < kHeight; ++y)
            std::fill_n(mask.plane(frame) + y * kWidth + 38, kWidth - 38, 1.f);
    Clip healed = hazy(plate, mask, 0.2f);
    healSeam(healed, plate, matte, mask, 1);
    CHECK(left(healed, plate, 40) < 0.1f);
    CHECK(left(healed, plate, 66) > 0.19f);
}

TEST_CASE("another thing beside the edge does not colour what is inside", "[seam]") {
    const Clip wall = Clip::filled(kFrames, kHeight, kWidth, 0.9f);
    const ClipMask matte = softMatte(), mask = maskOf(matte);
    Clip night = Clip::filled(kFrames, kHeight, kWidth, -0.9f);
    healSeam(night, wall, matte, mask, 1);
    for (int x = 42; x < kWidth; ++x) CHECK(night.plane(0, 1)[32 * kWidth + x] < -0.8f);
}

TEST_CASE("what is no number is not spread by a seam", "[seam]") {
    const Clip plate = plateClip();
    const ClipMask matte = softMatte(), mask = maskOf(matte);
    Clip made = hazy(plate, mask, 0.2f);
    made.plane(0, 1)[32 * kWidth + 38] = std::nanf("");
    healSeam(made, plate, matte, mask, 1);
    int broken = 0;
    for (const float value : made.values) broken += std::isfinite(value) ? 0 : 1;
    CHECK(broken == 1);
    CHECK_THROWS_AS(healSeam(made, plate, emptyMask(1, 2, 3), mask, 1), Error);
}
