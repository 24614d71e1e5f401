#include "clip/plate_motion.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <functional>

#include "clip/model_mask.h"
#include "picture_of_waves.h"
#include "support/error.h"

using namespace derrumbe;
using namespace derrumbe::clip;

namespace {

constexpr int kFrames = 9, kHeight = 112, kWidth = 128;

ClipMask everywhere() {
    return filledMask(kFrames, kHeight, kWidth, 1.f);
}

/// The offsets of a frame's nodes that lie inside by a fifth, against those that are known.
void checkOffsets(const PlateMotion& motion, int frame, float within,
                  const std::function<Point(float, float)>& known) {
    for (int row = 0; row < motion.rows; ++row)
        for (int column = 0; column < motion.columns; ++column) {
            const float x = motion.first + static_cast<float>(column) * motion.step;
            const float y = motion.first + static_cast<float>(row) * motion.step;
            if (x < 25 || x > 103 || y < 22 || y > 80) continue;
            const Point offset = known(x, y);
            CAPTURE(frame, x, y);
            const int node = row * motion.columns + column;
            CHECK(motion.offsetsAt(frame, 0)[node] == Approx(offset.x).margin(within));
            CHECK(motion.offsetsAt(frame, 1)[node] == Approx(offset.y).margin(within));
        }
}

float fall(int frame) {
    return 0.4f * static_cast<float>(frame * frame);
}

}  // namespace

TEST_CASE("a fall is followed through haze, at its own pace", "[motion]") {
    const Clip plate = wavesAtRest(kFrames, kHeight, kWidth);
    Clip made = waves(kFrames, kHeight, kWidth, [](int frame, float x, float y) {
        return Point{x, y - fall(frame)};
    });
    for (float& value : made.values) value = 0.5f * value + 0.3f;
    const PlateMotion motion = followPlate(made, plate, everywhere(), 1);
    // Less than half a pixel is not told from standing still.
    for (int frame = 0; frame < kFrames; ++frame)
        checkOffsets(motion, frame, frame < 2 ? 0.5f : 0.3f, [&](float, float) {
            return Point{0, fall(frame)};
        });
    CHECK(motion.most(kFrames - 1) > 20);
}

TEST_CASE("a keyframe on the way does not stop a fall", "[motion]") {
    const Clip plate = wavesAtRest(kFrames, kHeight, kWidth);
    const auto way = [](int frame) { return 3.f * static_cast<float>(frame); };
    const Clip made = waves(kFrames, kHeight, kWidth, [&](int frame, float x, float y) {
        // The keyframe shows something else.
        return frame == 4 || frame == 5 ? Point{x + 500, y} : Point{x, y - way(frame)};
    });
    ClipMask mask = everywhere();
    std::fill_n(mask.plane(4), 2 * kHeight * kWidth, 0.f);
    const PlateMotion motion = followPlate(made, plate, mask, 1);
    for (const int frame : {2, 5, 7, 8})
        checkOffsets(motion, frame, 0.5f, [&](float, float) { return Point{0, way(frame)}; });
}

TEST_CASE("what topples turns", "[motion]") {
    const auto angle = [](int frame) { return 0.03f * static_cast<float>(frame); };
    const auto turned = [](float angle, float x, float y) {
        const float dx = x - 64, dy = y - 112;
        return Point{64 + std::cos(angle) * dx - std::sin(angle) * dy,
                     112 + std::sin(angle) * dx + std::cos(angle) * dy};
    };
    const Clip plate = wavesAtRest(kFrames, kHeight, kWidth);
    const Clip made = waves(kFrames, kHeight, kWidth, [&](int frame, float x, float y) {
        return turned(-angle(frame), x, y);
    });
    const PlateMotion motion = followPlate(made, plate, everywhere(), 2);
    checkOffsets(motion, kFrames - 1, 0.7f, [&](float x, float y) {
        const Point to = turned(angle(kFrames - 1), x, y);
        return Point{to.x - x, to.y - y};
    });
    // And back: the places of its pixels in the plate.
    const SourcePlaces places = sourcePlaces(motion, kFrames - 1);
    for (int y = 40; y < 90; y += 5)
        for (int x = 40; x < 90; x += 5) {
            const Point from =
                turned(-angle(kFrames - 1), static_cast<float>(x), static_cast<float>(y));
            CHECK(places.x[y * kWidth + x] == Approx(from.x).margin(0.7));
            CHECK(places.y[y * kWidth + x] == Approx(from.y).margin(0.7));
        }
}

TEST_CASE("what the camera does is no motion", "[motion]") {
    const auto seen = [](int frame, float x, float y) {
        return Point{x + 1.7f * static_cast<float>(frame), y};
    };
    const Clip plate = waves(kFrames, kHeight, kWidth, seen);
    const PlateMotion motion = followPlate(plate, plate, everywhere(), 1);
    for (int frame = 0; frame < kFrames; ++frame) CHECK(motion.most(frame) < 0.05f);
}

TEST_CASE("nothing is followed outside the mask, and nothing that is not there", "[motion]") {
    const Clip plate = wavesAtRest(kFrames, kHeight, kWidth);
    const Clip made = waves(kFrames, kHeight, kWidth, [](int frame, float x, float y) {
        return Point{x, y - fall(frame)};
    });
    const PlateMotion kept = followPlate(made, plate, emptyMask(kFrames, kHeight, kWidth), 1);
    CHECK(kept.most(kFrames - 1) == 0);
    const Clip gone = Clip::filled(kFrames, kHeight, kWidth, 0.2f);
    CHECK(followPlate(gone, plate, everywhere(), 1).most(kFrames - 1) == 0);
    Clip broken = made;
    for (float& value : broken.values) value = std::nanf("");
    for (const float offset : followPlate(broken, plate, everywhere(), 1).offsets)
        REQUIRE(std::isfinite(offset));
}

TEST_CASE("the number of threads does not show", "[motion]") {
    const Clip plate = wavesAtRest(kFrames, kHeight, kWidth);
    const Clip made = waves(kFrames, kHeight, kWidth, [](int frame, float x, float y) {
        return Point{x, y - fall(frame)};
    });
    CHECK(followPlate(made, plate, everywhere(), 1).offsets ==
          followPlate(made, plate, everywhere(), 3).offsets);
}

TEST_CASE("large pictures are followed smaller, small ones not at all", "[motion]") {
    const auto still = [](int, float x, float y) { return Point{x / 3, y / 3}; };
    const auto down = [](int frame, float x, float y) {
        return Point{x / 3, (y - 6 * static_cast<float>(frame)) / 3};
    };
    const Clip plate = waves(3, 300, 600, still), made = waves(3, 300, 600, down);
    const ClipMask mask = filledMask(3, 300, 600, 1);
    const PlateMotion motion = followPlate(made, plate, mask, 2);
    CHECK(motion.step == 24);
    const SourcePlaces places = sourcePlaces(motion, 2);
    CHECK(places.y[150 * 600 + 300] == Approx(138).margin(1));
    CHECK(places.speedY[150 * 600 + 300] == Approx(6).margin(1));

    const Clip tiny = waves(2, 8, 8, still);
    const ClipMask all = filledMask(2, 8, 8, 1);
    CHECK(followPlate(tiny, tiny, all, 1).most(1) == 0);
    CHECK_THROWS_AS(followPlate(tiny, plate, all, 1), Error);
}
