#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "image/read_frame.h"
#include "render/deliver.h"
#include "render/inputs.h"
#include "shot_folder.h"

using namespace derrumbe;
using namespace derrumbe::render;
using Catch::Matchers::Contains;

namespace {

constexpr Window whole{0, 0, 220, 140};

/// A shot in which everything moves by (9, 3) pixels a frame, the matte with it.
class MovingShot : public ShotFolder {
  public:
    MovingShot() {
        for (int frame = 1; frame <= 5; ++frame) {
            picture(file("p", frame), frame);
            matte(file("m", frame), {40 + 9 * frame, 30 + 3 * frame, 30, 22}, whole);
        }
        picture("guide.exr", 2);
        picture("key.exr", 40);
    }

    void picture(const std::string& name, int frame) const {
        Frame made;
        made.data = made.display = whole;
        made.channels = {"R", "G", "B"};
        for (int y = 0; y < whole.height; ++y)
            for (int x = 0; x < whole.width; ++x)
                for (int c = 0; c < 3; ++c) {
                    const double across = x - 9.0 * frame, down = y - 3.0 * frame;
                    made.pixels.push_back(
                        static_cast<float>(0.3 + 0.1 * std::sin(0.11 * across + 0.03 * down + c) +
                                           0.1 * std::cos(0.09 * down - 0.02 * across)));
                }
        image::ExrOutput output;
        image::addFrame(output, made, std::vector<image::PixelType>(3, image::PixelType::Float));
        image::writeExr(path / name, output);
    }

    RenderPlan planned(const std::vector<std::string>& overrides) const {
        Problems problems;
        RenderPlan made = plan(problems, overrides);
        for (const Problem& problem : problems.list()) UNSCOPED_INFO(problem.text());
        REQUIRE_FALSE(problems.hasErrors());
        return made;
    }
};

ModelInputs inputsOf(const RenderPlan& plan) {
    return loadInputs(plan, image::ColorConfig::load(), [](double, double) {});
}

Frame delivered(const RenderPlan& plan, int index) {
    Clip made = Clip::filled(plan.clipFrames, plan.region.height, plan.region.width, 0);
    for (size_t i = 0; i < made.values.size(); ++i)
        made.values[i] = 0.002f * static_cast<float>(i % 311) - 0.3f;
    deliverFrame(plan, image::ColorConfig::load(), plan.frames[static_cast<size_t>(index)],
                 {made, {}, {}, {}, {}}, "x");
    return image::readPlate(plan.frames[static_cast<size_t>(index)].output).frame;
}

bool samePlane(const Clip& a, const Clip& b, int frame) {
    for (int c = 0; c < 3; ++c)
        if (!std::equal(a.plane(c, frame), a.plane(c, frame) + a.planeSize(), b.plane(c, frame)))
            return false;
    return true;
}

/// The greatest change of the model's clip from its second frame on, away from the border.
double unrest(const Clip& clip) {
    double most = 0;
    for (int frame = 2; frame < 5; ++frame)
        for (int y = 4; y < clip.height - 4; ++y)
            for (int x = 4; x < clip.width - 4; ++x) {
                const size_t i = static_cast<size_t>(y) * clip.width + x;
                most =
                    std::max<double>(most, std::abs(clip.plane(0, frame)[i] - clip.plane(0, 1)[i]));
            }
    return most;
}

}  // namespace

TEST_CASE("what moves with the matte stands still in what the model sees", "[follow]") {
    const MovingShot shot;
    const RenderPlan follow = shot.planned({"region=follow"}), fixed = shot.planned({});
    REQUIRE(follow.region.path.size() == 5);
    CHECK(fixed.region.path.empty());
    CHECK(follow.region.coversMatte);
    // A matte of even width in a crop of odd width: its middle lies between pixels.
    CHECK(follow.region.path[2].x != std::floor(follow.region.path[2].x));
    const ModelInputs held = inputsOf(follow), moving = inputsOf(fixed);
    CHECK(unrest(held.plate) < 0.003);
    CHECK(unrest(moving.plate) > 0.1);
    const size_t plane = held.plate.planeSize();
    for (int frame = 2; frame < 5; ++frame)
        CHECK(
            std::equal(held.mask.plane(frame), held.mask.plane(frame) + plane, held.mask.plane(1)));
    CHECK_THAT(planText(follow), Contains("follows the matte: x"));
    CHECK_THAT(planJson(follow), Contains("\"path\": [\n      [\n"));
}

TEST_CASE("a crop that moves by whole pixels is, in each frame, the fixed crop there", "[follow]") {
    const MovingShot shot;
    RenderPlan follow = shot.planned({"region=follow", "keyframes=[{frame: 4, path: key.exr}]",
                                      "guides=[{type: previz, path: guide.exr, strength: 0.5}]",
                                      "matte.feather=6"});
    REQUIRE(follow.region.path.size() == 5);
    for (Box& place : follow.region.path) place = place.pixels();
    const ModelInputs moving = inputsOf(follow);
    for (int index = 0; index < 5; ++index) {
        CAPTURE(index);
        RenderPlan fixed = follow;
        fixed.region.path.clear();
        fixed.region.crop = follow.region.path[static_cast<size_t>(index)].pixels();
        const ModelInputs still = inputsOf(fixed);
        CHECK(samePlane(moving.plate, still.plate, index));
        CHECK(samePlane(moving.guided, still.guided, index));
        CHECK(std::equal(moving.mask.plane(index),
                         moving.mask.plane(index) + moving.plate.planeSize(),
                         still.mask.plane(index)));
        CHECK(delivered(follow, index).pixels == delivered(fixed, index).pixels);
        if (index > 0) CHECK_FALSE(samePlane(moving.plate, still.plate, index - 1));
    }
}

TEST_CASE("outside a matte that moves the plate keeps its bits", "[follow]") {
    const MovingShot shot;
    const RenderPlan follow = shot.planned({"region=follow"});
    for (int index = 0; index < 5; ++index) {
        const Frame plate = image::readPlate(follow.frames[static_cast<size_t>(index)].plate).frame,
                    made = delivered(follow, index);
        const Window inside = {40 + 9 * (index + 1), 30 + 3 * (index + 1), 30, 22};
        for (int y = 0; y < whole.height; ++y)
            for (int x = 0; x < whole.width; ++x) {
                const bool changes = index >= 1 && x >= inside.x && x < inside.right() &&
                                     y >= inside.y && y < inside.bottom();
                CAPTURE(index, x, y);
                REQUIRE((made.at(x, y)[0] == plate.at(x, y)[0]) != changes);
            }
    }
}

TEST_CASE("where there is nothing to follow the crop is auto's, and that is said", "[follow]") {
    const MovingShot shot;
    Problems problems;
    const RenderPlan still = shot.plan(problems, {"region=follow", "matte.path=m.0003.exr"});
    REQUIRE_FALSE(problems.hasErrors());
    REQUIRE(problems.list().size() == 1);
    CHECK_THAT(problems.list().front().text(), Contains("nothing to follow"));
    const RenderPlan fixed = shot.planned({"matte.path=m.0003.exr"});
    CHECK(still.region.crop == fixed.region.crop);
    CHECK(still.region.path.empty());
    const ModelInputs a = inputsOf(still), b = inputsOf(fixed);
    CHECK(a.plate.values == b.plate.values);
    CHECK(a.mask.values == b.mask.values);
}
