#include "render/generated.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>

using namespace derrumbe;
using namespace derrumbe::render;

namespace {

/// A plate of 40 x 30 pixels seen at 16 x 16, with light that no code stands for.
struct Scene {
    RenderPlan plan;
    image::ColorConfig colours = image::ColorConfig::load();
    Frame plate;
    Generated generated;

    Scene() {
        plan.plateSpace = "ACEScg";
        plan.modelSpace = colours.resolve("lin_rec709");
        plan.model.encoding = "srgb_shoulder";
        plan.plateDisplay = {0, 0, 60, 40};
        plan.region.crop = {4, 5, 40, 30};
        std::mt19937 random(3);
        std::uniform_real_distribution<float> light(0.01f, 1), code(-0.8f, 0.8f);
        plate.data = {0, 0, 60, 40};
        plate.display = plan.plateDisplay;
        plate.channels = {"R", "G", "B"};
        plate.pixels.resize(60 * 40 * 3);
        for (float& value : plate.pixels) value = light(random);
        for (int c = 0; c < 3; ++c) plate.at(20, 20)[c] = 900;
        plate.at(30, 20)[2] = -0.3f;
        generated.picture = Clip::filled(2, 16, 16, 0);
        for (float& value : generated.picture.values) value = code(random);
        generated.reconstruction = generated.picture;
        generated.detail = {2, 16, 16, std::vector<float>(2 * 16 * 16, 1.f)};
    }
    Frame frame() const { return generatedFrame(plan, colours, generated, 1, plate); }
};

}  // namespace

TEST_CASE("where the model changed nothing the picture is the plate, out of range too",
          "[generated]") {
    const Scene scene;
    const Frame frame = scene.frame();
    REQUIRE(frame.data == scene.plan.region.crop);
    for (int y = 5; y < 35; ++y)
        for (int x = 4; x < 44; ++x)
            for (int c = 0; c < 3; ++c)
                REQUIRE(frame.at(x, y)[c] ==
                        Approx(scene.plate.at(x, y)[c]).epsilon(2e-3).margin(1e-3));
}

TEST_CASE("where it changed everything the picture is the model's alone", "[generated]") {
    Scene scene;
    std::fill(scene.generated.detail.values.begin(), scene.generated.detail.values.end(), 0.f);
    const Frame changed = scene.frame();
    scene.generated.reconstruction = {};
    CHECK(changed.pixels == scene.frame().pixels);
    for (const float value : changed.pixels) CHECK(std::abs(value) <= 64.f);
}

TEST_CASE("what moved shows the plate's detail from where it was", "[generated]") {
    Scene scene;
    scene.plan.frames.resize(2);
    // Light that has a code in the model's primaries.
    for (float& value : scene.plate.pixels) value = 0.3f + 0.3f * std::clamp(value, 0.f, 1.f);
    // Everything went 4 plate pixels to the right: 1.6 of the 16 that stand for 40.
    Generated& generated = scene.generated;
    std::fill(generated.detail.values.begin(), generated.detail.values.end(), 0.f);
    clip::PlateMotion& motion = generated.carried.motion;
    motion = {2, 16, 16, 1, 1, 7.5f, 8, {1.6f, 0, 1.6f, 0}};
    generated.carried.weight = {2, 16, 16, std::vector<float>(2 * 16 * 16, 1.f)};
    // Where the plate's low-pass, moved, is all that the model made, the sum is the moved plate.
    const std::vector<float> base =
        clip::carriedBase(clip::sourcePlaces(motion, 1), generated.reconstruction, 1);
    for (int c = 0; c < 3; ++c)
        std::copy_n(base.begin() + c * 256, 256, generated.picture.plane(c, 1));
    const Frame frame = scene.frame();
    for (int y = 10; y < 30; ++y)
        for (int x = 14; x < 40; ++x) {
            for (int c = 0; c < 3; ++c)
                REQUIRE(frame.at(x, y)[c] ==
                        Approx(scene.plate.at(x - 4, y)[c]).epsilon(1e-2).margin(1e-2));
        }
    generated.carried = {};
    const Frame without = scene.frame();
    CHECK(std::abs(without.at(30, 12)[1] - scene.plate.at(26, 12)[1]) > 0.02f);
}

TEST_CASE("light that overflows in the model's space leaves no pixel out", "[generated]") {
    Scene scene;
    // Beyond a float's range as linear Rec. 709, and of both signs, so that they cancel to no
    // number.
    for (int c = 0; c < 3; ++c) scene.plate.at(12, 12)[c] = c == 1 ? -3e38f : 3e38f;
    for (float weight : {0.f, 1.f}) {
        std::fill(scene.generated.detail.values.begin(), scene.generated.detail.values.end(),
                  weight);
        for (const float value : scene.frame().pixels) REQUIRE(std::isfinite(value));
    }
}
