#include "clip/model_mask.h"

#include <catch2/catch.hpp>
#include <random>

using namespace derrumbe;
using namespace derrumbe::clip;

namespace {

Matte randomMatte(const Window& window, std::mt19937& random, int blobs) {
    Matte matte{window, std::vector<float>(static_cast<size_t>(window.width) * window.height, 0.f)};
    for (int blob = 0; blob < blobs; ++blob) {
        const size_t index = random() % matte.values.size();
        matte.values[index] = 0.01f + 0.99f * static_cast<float>(random() % 1000) / 1000;
    }
    return matte;
}

}  // namespace

TEST_CASE("every matte pixel in the crop is under the mask, grown or not", "[mask]") {
    std::mt19937 random(9);
    for (int count = 0; count < 200; ++count) {
        const Window plate{static_cast<int>(random() % 20) - 10, 3, 60, 50};
        const Matte matte = randomMatte(plate, random, 8);
        const Box crop(plate.x + static_cast<int>(random() % 1280) / 64.0,
                       5 + static_cast<int>(random() % 2) / 64.0, 37, 41);
        ClipMask mask = emptyMask(2, 16 + 16 * (random() % 4), 16 + 16 * (random() % 4));
        setMaskFrame(mask, 1, matte, crop, static_cast<int>(random() % 3));
        const Window shared = intersect(plate, crop.pixels());
        for (int y = shared.y; y < shared.bottom(); ++y)
            for (int x = shared.x; x < shared.right(); ++x) {
                if (!(matte.at(x, y) > 0)) continue;
                const int my = static_cast<int>((y - crop.y + 0.5) * mask.height / crop.height),
                          mx = static_cast<int>((x - crop.x + 0.5) * mask.width / crop.width);
                REQUIRE(mask.plane(1)[my * mask.width + mx] == 1);
            }
        for (int index = 0; index < mask.height * mask.width; ++index) {
            REQUIRE(mask.plane(0)[index] == 0);  // the other frame is left alone
            REQUIRE((mask.plane(1)[index] == 0 || mask.plane(1)[index] == 1));
        }
    }
}

TEST_CASE("at one working pixel a plate pixel the mask is the matte", "[mask]") {
    std::mt19937 random(2);
    const Matte matte = randomMatte({0, 0, 32, 16}, random, 20);
    ClipMask mask = emptyMask(1, 16, 32);
    setMaskFrame(mask, 0, matte, {0, 0, 32, 16}, 0);
    for (size_t index = 0; index < matte.values.size(); ++index)
        CHECK((mask.values[index] == 1) == (matte.values[index] > 0));
}

TEST_CASE("growing agrees with the distance to the nearest set pixel", "[mask]") {
    std::mt19937 random(4);
    const int height = 23, width = 31;
    for (int radius = 0; radius < 6; ++radius) {
        std::vector<float> plane(height * width, 0.f);
        for (int blob = 0; blob < 6; ++blob) plane[random() % plane.size()] = 1;
        std::vector<float> grown = plane;
        growPlane(grown.data(), height, width, radius);
        for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x) {
                bool near = false;
                for (int sy = 0; sy < height; ++sy)
                    for (int sx = 0; sx < width; ++sx)
                        near |= plane[sy * width + sx] == 1 &&
                                (sx - x) * (sx - x) + (sy - y) * (sy - y) <= radius * radius;
                REQUIRE(grown[y * width + x] == (near ? 1 : 0));
            }
    }
}

TEST_CASE("before the onset the model keeps everything", "[mask]") {
    for (int onset : {-2, 0, 2, 5, 9}) {
        ClipMask mask = emptyMask(5, 4, 4);
        std::fill(mask.values.begin(), mask.values.end(), 1.f);
        clearBefore(mask, onset);
        for (int frame = 0; frame < 5; ++frame)
            CHECK(mask.plane(frame)[7] == (frame < onset ? 0 : 1));
    }
}
