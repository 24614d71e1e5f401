#include "render/inputs.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "image/read_frame.h"
#include "render/deliver.h"
#include "render/record.h"
#include "shot_folder.h"

using namespace derrumbe;
using namespace derrumbe::render;
using Catch::Matchers::Contains;

namespace {

ModelInputs inputsOf(const RenderPlan& plan) {
    return loadInputs(plan, image::ColorConfig::load(), [](double, double) {});
}

/// What the model might have made of a plan's clip: one grey.
Generated greyPicture(const RenderPlan& plan) {
    return {
        Clip::filled(plan.clipFrames, plan.region.height, plan.region.width, 0.2f), {}, {}, {}, {}};
}

}  // namespace

TEST_CASE("mattes are added and subtracted in their order", "[matte]") {
    const ShotFolder folder;
    folder.matte("cut.exr", {12, 6, 4, 10});
    folder.matte("back.exr", {13, 7, 1, 1});
    Problems problems;
    const RenderPlan plan =
        folder.plan(problems, {"matte=[{path: m.####.exr}, {path: cut.exr, operation: subtract}, "
                               "{path: back.exr}]"});
    REQUIRE_FALSE(problems.hasErrors());
    const Matte matte = readJobMatte(plan, plan.frames[2]);
    CHECK(matte.at(8, 6) == 1);
    CHECK(matte.at(12, 6) == 0);
    CHECK(matte.at(13, 7) == 1);
    CHECK(matte.at(16, 6) == 1);
    CHECK(matte.at(20, 6) == 0);
    // What is subtracted is kept from the model too.
    CHECK(readModelMatte(plan, plan.frames[2]).values == matte.values);
}

TEST_CASE("a holdout is cut out of the composite and not out of what the model sees", "[matte]") {
    const ShotFolder folder;
    folder.matte("post.exr", {10, 0, 2, 24});
    Problems problems;
    const RenderPlan plain = folder.plan(problems),
                     held = folder.plan(problems, {"holdout={path: post.exr}"});
    REQUIRE_FALSE(problems.hasErrors());
    CHECK(held.matteBounds == plain.matteBounds);
    CHECK(held.region.crop == plain.region.crop);
    CHECK(held.matteCoverage == Approx(plain.matteCoverage * 10 / 12));
    CHECK(inputsOf(held).mask.values == inputsOf(plain).mask.values);
    CHECK(held.frames[0].holdouts.empty());
    const FrameJob& job = held.frames[3];
    CHECK(readModelMatte(held, job).at(10, 8) == 1);
    CHECK(readJobMatte(held, job).at(10, 8) == 0);
    CHECK(readJobMatte(held, job).at(12, 8) == 1);

    const image::ColorConfig colours = image::ColorConfig::load();
    deliverFrame(held, colours, job, greyPicture(held), "x");
    const Frame plate = image::readPlate(job.plate).frame,
                made = image::readPlate(job.output).frame;
    for (int y = 0; y < 24; ++y)
        for (int x = 0; x < 32; ++x) {
            const bool changes = x >= 8 && x < 20 && y >= 6 && y < 16 && x != 10 && x != 11;
            CAPTURE(x, y);
            REQUIRE((made.at(x, y)[0] == plate.at(x, y)[0]) != changes);
        }
    std::string roles;
    for (const auto& input : hashInputs(held, "")) roles += input.role + " ";
    CHECK_THAT(roles, Contains("holdout"));

    // One that holds everything out leaves nothing to do.
    folder.matte("all.exr", {0, 0, 32, 24});
    CHECK_THAT(folder.problems({"holdout={path: all.exr}"}), Contains("nothing will happen"));
    CHECK_THAT(folder.problems({"holdout={path: none.####.exr}"}),
               Contains("no holdout for frame 2"));
    folder.matte("small.exr", {0, 0, 4, 4}, {0, 0, 16, 16});
    CHECK_THAT(folder.problems({"holdout={path: small.exr}"}),
               Contains("small.exr is 16x16, the plate is 32x24"));
    CHECK_THAT(folder.problems({"holdout={path: post.exr}", "output.path=post.exr", "frames=3"}),
               Contains("would write over"));
}

TEST_CASE("the result passes through a keyframe", "[keyframe]") {
    const ShotFolder folder;
    folder.plate("key.exr", {"R", "G", "B"});
    Problems problems;
    const RenderPlan plan =
        folder.plan(problems, {"keyframes=[{frame: 4, path: key.exr}]", "plate.path=p.0001.exr"});
    REQUIRE_FALSE(problems.hasErrors());
    // The model is shown the keyframe there, and is to keep all of it.
    const ModelInputs inputs = inputsOf(plan);
    const size_t plane = inputs.plate.planeSize();
    const auto asked = [&](int frame) {
        return std::count(inputs.mask.plane(frame), inputs.mask.plane(frame) + plane, 1.f);
    };
    CHECK(asked(0) == 0);
    CHECK(asked(2) > 0);
    CHECK(asked(3) == 0);
    CHECK(asked(4) > 0);
    CHECK_FALSE(std::equal(inputs.plate.plane(0, 3), inputs.plate.plane(0, 3) + plane,
                           inputs.plate.plane(0, 2)));
    // What is delivered inside the matte is the keyframe's pixels, and elsewhere the plate's.
    const image::ColorConfig colours = image::ColorConfig::load();
    const FrameJob& job = plan.frames[3];
    deliverFrame(plan, colours, job, greyPicture(plan), "x");
    const Frame plate = image::readPlate(job.plate).frame,
                key = image::readPlate((folder.path / "key.exr").string()).frame,
                made = image::readPlate(job.output).frame;
    for (int y = 0; y < 24; ++y)
        for (int x = 0; x < 32; ++x) {
            const bool inside = x >= 8 && x < 20 && y >= 6 && y < 16;
            for (int c = 0; c < 3; ++c)
                REQUIRE(made.at(x, y)[c] == (inside ? key : plate).at(x, y)[c]);
        }
}

TEST_CASE("references are fitted on white, in their own colour space", "[references]") {
    const ShotFolder folder;
    // Wider than the crop, which has the working size's shape.
    Frame grey;
    grey.data = grey.display = {0, 0, 64, 8};
    grey.channels = {"R", "G", "B"};
    grey.pixels.assign(64 * 8 * 3, 0.18f);
    image::ExrOutput output;
    image::addFrame(output, grey,
                    {image::PixelType::Half, image::PixelType::Half, image::PixelType::Half});
    image::writeExr(folder.path / "own.exr", output);
    output.metadata = {{image::colorspaceAttribute, "sRGB - Texture"}};
    image::writeExr(folder.path / "texture.exr", output);
    Problems problems;
    const RenderPlan plan = folder.plan(problems, {"references=[own.exr, texture.exr]"});
    REQUIRE_FALSE(problems.hasErrors());
    const ModelInputs inputs = inputsOf(plan);
    REQUIRE(inputs.references.size() == 2);
    const auto middle = [&](const Clip& clip) {
        return clip.plane(1, 0)[static_cast<size_t>(clip.height / 2) * clip.width + clip.width / 2];
    };
    for (const Clip& reference : inputs.references) {
        CHECK(reference.frames == 1);
        CHECK(reference.plane(0, 0)[0] == 1);  // white above and below
        CHECK(middle(reference) < 0.9f);
    }
    // 0.18 of light is lighter than the texture's code 0.18.
    CHECK(middle(inputs.references[0]) > middle(inputs.references[1]) + 0.2f);
}

TEST_CASE("the composite takes of the picture what the strength says", "[strength]") {
    const ShotFolder folder;
    Problems problems;
    const RenderPlan plan =
        folder.plan(problems, {"strength=[{frame: 3, value: 0}, {frame: 5, value: 1}]"});
    REQUIRE_FALSE(problems.hasErrors());
    const RenderPlan plain = folder.plan(problems);
    const image::ColorConfig colours = image::ColorConfig::load();
    const auto delivered = [&](const RenderPlan& of, int index) {
        deliverFrame(of, colours, of.frames[index], greyPicture(of), "x");
        return image::readPlate(of.frames[index].output).frame;
    };
    for (const int index : {1, 2, 3, 4}) {
        const Frame plate = image::readPlate(plan.frames[index].plate).frame,
                    whole = delivered(plain, index), made = delivered(plan, index);
        const float strength = index < 3 ? 0.f : index == 3 ? 0.5f : 1.f;
        for (int y = 0; y < 24; ++y)
            for (int x = 0; x < 32; ++x)
                for (int c = 0; c < 4; ++c) {
                    CAPTURE(index, x, y, c);
                    const float from = plate.at(x, y)[c], to = whole.at(x, y)[c];
                    if (strength == 0) REQUIRE(made.at(x, y)[c] == from);
                    if (strength == 1) REQUIRE(made.at(x, y)[c] == to);
                    REQUIRE(made.at(x, y)[c] ==
                            Approx(from + (to - from) * strength).epsilon(0.001));
                }
    }
    // The model is shown the same, and what is composited is what is counted.
    CHECK(inputsOf(plan).mask.values == inputsOf(plain).mask.values);
    CHECK(plan.region.crop == plain.region.crop);
    CHECK(plan.matteCoverage == Approx(plain.matteCoverage * (0 + 0 + 0.5 + 1) / 4));
    CHECK(readJobMatte(plan, plan.frames[3]).at(10, 8) == 0.5f);
    CHECK_THAT(folder.problems({"strength=0"}), Contains("nothing will happen"));
}

TEST_CASE("a beat's matte says at which latents its prompt holds", "[beats]") {
    const ShotFolder folder;
    folder.matte("left.exr", {0, 0, 14, 24});
    Problems problems;
    const RenderPlan plan = folder.plan(
        problems, {"beats=[{from: 1, prompt: fire, matte: {path: left.exr}}]", "region=full"});
    REQUIRE_FALSE(problems.hasErrors());
    REQUIRE(plan.prompts.size() == 2);
    const int cells = plan.latentHeight * plan.latentWidth;
    REQUIRE(plan.prompts[1].cells == cells);
    REQUIRE(plan.prompts[1].weights.size() ==
            static_cast<size_t>(cells) * static_cast<size_t>(plan.latentFrames));
    // Before the onset nothing is read; the first frame that is stands for it.
    CHECK(plan.frames[0].beatMattes.empty());
    double share = 0;
    for (size_t i = 0; i < plan.prompts[1].weights.size(); ++i) {
        const float fire = plan.prompts[1].weights[i];
        CHECK(fire + plan.prompts[0].weights[i] == Approx(1));
        const int column = static_cast<int>(i) % plan.latentWidth;
        const double right = 32.0 * (column + 1) / plan.latentWidth,
                     left = 32.0 * column / plan.latentWidth;
        if (right <= 14) CHECK(fire == Approx(1).margin(1e-5));
        if (left >= 14) CHECK(fire == Approx(0).margin(1e-5));
        share += fire;
    }
    CHECK(share / static_cast<double>(plan.prompts[1].weights.size()) ==
          Approx(14.0 / 32).epsilon(0.01));
    std::string roles;
    for (const auto& input : hashInputs(plan, ""))
        if (input.path.find("left.exr") != std::string::npos) roles += input.role;
    CHECK(roles == "matte");

    const auto problemsOf = [&](const std::string& beat) {
        return folder.problems({"beats=[{prompt: fire, " + beat + "}]"});
    };
    CHECK_THAT(problemsOf("from: 4, blend: 0, matte: {path: l.####.exr}"),
               Contains("no beats.0.matte for frame 4") && !Contains("for frame 3"));
    folder.matte("small.exr", {0, 0, 4, 4}, {0, 0, 16, 16});
    CHECK_THAT(problemsOf("from: 3, matte: {path: small.exr}"),
               Contains("small.exr is 16x16, the plate is 32x24"));
    folder.matte("none.exr", {0, 0, 0, 0});
    CHECK_THAT(problemsOf("from: 3, matte: {path: none.exr}"),
               Contains("the matte of beat 3 is empty in all that the model sees"));
}
