#include "clip/carried_detail.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "clip/model_mask.h"
#include "clip/smooth.h"
#include "picture_of_waves.h"
#include "support/error.h"

using namespace derrumbe;
using namespace derrumbe::clip;

namespace {

constexpr int kFrames = 9, kHeight = 112, kWidth = 128;

float fall(int frame) {
    return 0.4f * static_cast<float>(frame * frame);
}

ClipMask filled(float value) {
    return filledMask(kFrames, kHeight, kWidth, value);
}

Clip plateClip() {
    return wavesAtRest(kFrames, kHeight, kWidth);
}

Clip fallen() {
    return waves(kFrames, kHeight, kWidth, [](int frame, float x, float y) {
        return Point{x, y - fall(frame)};
    });
}

Clip softened(Clip clip, double sigma) {
    for (int frame = 0; frame < kFrames; ++frame)
        for (int c = 0; c < 3; ++c) {
            const std::vector<float> soft = gaussian(clip.plane(c, frame), kHeight, kWidth, sigma);
            std::copy(soft.begin(), soft.end(), clip.plane(c, frame));
        }
    return clip;
}

/// One frame with the detail brought back at the working size, as codes' [-1, 1].
Frame brought(const Clip& picture, const CarriedDetail& carried, const Clip& known, int frame,
              const Matte& front = {}) {
    const auto interleaved = [&](const float* red, const float* green, const float* blue) {
        Frame result;
        result.data = result.display = {0, 0, kWidth, kHeight};
        result.channels = {"R", "G", "B"};
        for (int i = 0; i < kWidth * kHeight; ++i)
            for (const float* plane : {red, green, blue})
                result.pixels.push_back(plane[i] * 0.5f + 0.5f);
        return result;
    };
    Frame made =
        interleaved(picture.plane(0, frame), picture.plane(1, frame), picture.plane(2, frame));
    if (!carried.any(frame)) return made;
    const SourcePlaces places = sourcePlaces(carried.motion, frame);
    const std::vector<float> low = carriedBase(places, known, frame);
    const size_t size = known.planeSize();
    Frame fields = made;
    fields.channels = {"x", "y", "speed x", "speed y", "weight"};
    fields.pixels.clear();
    for (size_t i = 0; i < size; ++i)
        for (const float value :
             {places.x[i] + 0.5f, places.y[i] + 0.5f, 0.f, 0.f, carried.weight.plane(frame)[i]})
            fields.pixels.push_back(value);
    const Clip& plate = known;
    addCarriedDetail(
        made, interleaved(plate.plane(0, frame), plate.plane(1, frame), plate.plane(2, frame)),
        fields, interleaved(low.data(), low.data() + size, low.data() + 2 * size), front);
    return made;
}

/// The mean squared error in the middle of what a frame should show.
double error(const Frame& frame, const Clip& truth, int index) {
    double sum = 0;
    int count = 0;
    for (int y = 50; y < 90; ++y)
        for (int x = 30; x < 98; ++x)
            for (int c = 0; c < 3; ++c, ++count) {
                const double known = truth.plane(c, index)[y * kWidth + x] * 0.5 + 0.5;
                const double off =
                    frame.pixels[(static_cast<size_t>(y) * kWidth + x) * 3 + c] - known;
                sum += off * off;
            }
    return sum / count;
}

}  // namespace

TEST_CASE("a soft fall gets the plate's detail where the plate's things are", "[carried]") {
    const Clip plate = plateClip(), truth = fallen();
    Clip made = softened(truth, 2);
    const Clip soft = made;
    const CarriedDetail carried = carryDetail(made, plate, filled(1), filled(0), 2);
    for (int frame = 4; frame < kFrames; ++frame) {
        REQUIRE(carried.any(frame));
        const Frame before = brought(soft, {}, plate, frame),
                    after = brought(made, carried, plate, frame);
        CAPTURE(frame);
        CHECK(error(after, truth, frame) < 0.2 * error(before, truth, frame));
    }
}

TEST_CASE("haze over what falls stays", "[carried]") {
    const Clip plate = plateClip();
    Clip truth = fallen();
    for (float& value : truth.values) value = 0.4f * value + 0.4f;
    Clip made = softened(truth, 2);
    const Clip soft = made;
    const CarriedDetail carried = carryDetail(made, plate, filled(1), filled(0), 1);
    const int frame = 7;
    CHECK(error(brought(made, carried, plate, frame), truth, frame) <
          0.25 * error(brought(soft, {}, plate, frame), truth, frame));
}

TEST_CASE("a model that is as sharp as the plate keeps what it added", "[carried]") {
    const Clip plate = plateClip();
    Clip made = fallen();
    for (int c = 0; c < 3; ++c)  // a crack, two pixels wide, goes down with the wall
        for (int frame = 0; frame < kFrames; ++frame)
            for (int y = 0; y < kHeight; ++y)
                for (int x = 63; x < 65; ++x) made.plane(c, frame)[y * kWidth + x] -= 0.3f;
    const Clip truth = made;
    const CarriedDetail carried = carryDetail(made, plate, filled(1), filled(0), 1);
    for (int frame = 4; frame < kFrames; ++frame) {
        REQUIRE(carried.any(frame));
        CHECK(error(brought(made, carried, plate, frame), truth, frame) < 2e-4);
    }
}

TEST_CASE("what stands, what is gone and what is kept get nothing", "[carried]") {
    const Clip plate = plateClip();
    Clip standing = plate;
    CHECK(carryDetail(standing, plate, filled(1), filled(0), 1).weight.frames == 0);
    CHECK(standing.values == plate.values);

    Clip gone = Clip::filled(kFrames, kHeight, kWidth, 0.2f);
    const Clip sky = gone;
    const CarriedDetail none = carryDetail(gone, plate, filled(1), filled(0), 1);
    for (int frame = 0; frame < kFrames; ++frame) CHECK(!none.any(frame));
    CHECK(gone.values == sky.values);

    Clip made = fallen();
    const Clip before = made;
    CHECK(!carryDetail(made, plate, filled(0), filled(0), 1).any(kFrames - 1));
    CHECK(made.values == before.values);
    // Where the plate's detail stays in its place.
    const CarriedDetail stays = carryDetail(made, plate, filled(1), filled(1), 1);
    CHECK(!stays.any(kFrames - 1));
    CHECK(made.values == before.values);
}

TEST_CASE("a fall that ends in sky takes its detail along", "[carried]") {
    // The lower half of the plate is a wall, the upper one sky; the wall sinks.
    Clip plate = plateClip(), made = fallen();
    for (int frame = 0; frame < kFrames; ++frame)
        for (int c = 0; c < 3; ++c)
            for (int y = 0; y < kHeight; ++y)
                for (int x = 0; x < kWidth; ++x) {
                    const int i = y * kWidth + x;
                    if (y < 40) plate.plane(c, frame)[i] = 0.7f;
                    if (static_cast<float>(y) < 40 + fall(frame)) made.plane(c, frame)[i] = 0.7f;
                }
    const Clip truth = made;
    const CarriedDetail carried = carryDetail(made, plate, filled(1), filled(0), 1);
    const int frame = 7;  // 19.6 pixels lower
    const Frame result = brought(made, carried, plate, frame);
    for (int y = 4; y < 48; ++y)
        for (int x = 20; x < 108; ++x)
            REQUIRE(result.pixels[(static_cast<size_t>(y) * kWidth + x) * 3] ==
                    Approx(0.85).margin(0.02));
}

TEST_CASE("what stands in front does not come along", "[carried]") {
    const Clip plate = plateClip();
    Clip made = softened(fallen(), 2);
    const CarriedDetail carried = carryDetail(made, plate, filled(1), filled(0), 1);
    const int frame = 7;
    Matte front{{0, 0, kWidth, kHeight}, std::vector<float>(kWidth * kHeight, 0.f)};
    const Frame kept = brought(made, carried, plate, frame, front),
                without = brought(made, {}, plate, frame);
    CHECK(kept.pixels == without.pixels);
    std::fill(front.values.begin(), front.values.end(), 1.f);
    CHECK(brought(made, carried, plate, frame, front).pixels ==
          brought(made, carried, plate, frame).pixels);
}

TEST_CASE("what moves is blurred along its way for half a frame", "[carried]") {
    const int size = 32;
    Frame plate, fields, base, picture;
    for (Frame* frame : {&plate, &fields, &base, &picture})
        frame->data = frame->display = {0, 0, size, size};
    for (Frame* frame : {&plate, &base, &picture}) {
        frame->channels = {"R", "G", "B"};
        frame->pixels.assign(static_cast<size_t>(size) * size * 3, 0.5f);
    }
    for (int y = 0; y < size; ++y)  // an edge
        for (int x = 0; x < size; ++x)
            for (int c = 0; c < 3; ++c) plate.at(x, y)[c] = y < 16 ? 0.25f : 0.75f;
    fields.channels = {"x", "y", "speed x", "speed y", "weight"};
    for (int y = 0; y < size; ++y)
        for (int x = 0; x < size; ++x)
            for (const float value :
                 {static_cast<float>(x) + 0.5f, static_cast<float>(y) + 0.5f, 0.f, 16.f, 1.f})
                fields.pixels.push_back(value);
    addCarriedDetail(picture, plate, fields, base, {});
    for (int y = 6; y < 26; ++y) {  // over 8 pixels
        const double share = std::clamp((y + 0.5 - 12) / 8, 0.0, 1.0);
        CHECK(picture.at(16, y)[1] == Approx(0.25 + 0.5 * share).margin(0.04));
    }
    // Beyond the plate there is nothing to bring.
    const float edge = picture.at(16, 1)[1];
    CHECK(edge >= 0.25f);
    CHECK(edge <= 0.5f);
    fields.data.x = 1;
    CHECK_THROWS_AS(addCarriedDetail(picture, plate, fields, base, {}), Error);
    Clip clip = plateClip();
    CHECK_THROWS_AS(carryDetail(clip, clip, filled(1), emptyMask(1, 2, 3), 1), Error);
}
