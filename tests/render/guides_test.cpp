#include "render/guides.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "render/inputs.h"
#include "render/record.h"
#include "shot_folder.h"

using namespace derrumbe;
using namespace derrumbe::render;
using Catch::Matchers::Contains;

namespace {

ModelInputs inputsOf(const ShotFolder& folder, std::vector<std::string> overrides) {
    overrides.push_back("matte_fill=plate");
    Problems problems;
    const RenderPlan plan = folder.plan(problems, overrides);
    problems.throwIfErrors();
    return loadInputs(plan, image::ColorConfig::load(), [](double, double) {});
}

/// A picture with `left` in each channel of its left half and `right` in its right.
void picture(const ShotFolder& folder, const std::string& name,
             const std::vector<std::string>& channels, float left, float right,
             const Window& data = {0, 0, 32, 24}, const Window& display = {0, 0, 32, 24}) {
    Frame frame;
    frame.data = data;
    frame.display = display;
    frame.channels = channels;
    for (int y = data.y; y < data.bottom(); ++y)
        for (int x = data.x; x < data.right(); ++x)
            frame.pixels.insert(frame.pixels.end(), channels.size(),
                                x < display.width / 2 ? left : right);
    image::ExrOutput output;
    image::addFrame(output, frame,
                    std::vector<image::PixelType>(channels.size(), image::PixelType::Half));
    image::writeExr(folder.path / name, output);
}

/// Compares what is shown inside the mask at a clip's frame with what `expected` gives for a sample
/// of the plate and its place; outside it must be the plate's bits.
template <class Expected>
void checkShown(const ModelInputs& inputs, int frame, const Expected& expected) {
    REQUIRE(inputs.guided.frames == inputs.plate.frames);
    const float* mask = inputs.mask.plane(frame);
    size_t inside = 0;
    for (int c = 0; c < 3; ++c)
        for (size_t i = 0; i < inputs.plate.planeSize(); ++i) {
            const float plate = inputs.plate.plane(c, frame)[i];
            const float shown = inputs.guided.plane(c, frame)[i];
            if (mask[i] == 0) {
                REQUIRE(shown == plate);
                continue;
            }
            ++inside;
            CAPTURE(c, i);
            REQUIRE(shown == Approx(expected(plate, c, i)).margin(1e-5));
        }
    CHECK((inside > 0) == (frame > 0));  // the onset is the second frame
}

float asPlate(float plate, int, size_t) {
    return plate;
}

}  // namespace

TEST_CASE("a previz is shown inside the mask as the plate would be, as opaque as it is strong",
          "[guides]") {
    const ShotFolder folder;
    folder.plate("key.exr", {"R", "G", "B"});
    // What a keyframe shows of the same picture.
    const ModelInputs key =
        inputsOf(folder, {"keyframes=[{frame: 4, path: key.exr}]", "plate.path=p.0001.exr"});
    const auto steered = [&](const std::string& strength) {
        return inputsOf(
            folder,
            {"guides=[{type: previz, path: key.exr, frames: 4, strength: " + strength + "}]",
             "plate.path=p.0001.exr"});
    };
    const auto blended = [&](float strength) {
        return [&key, strength](float plate, int c, size_t i) {
            return plate * (1 - strength) + key.plate.plane(c, 3)[i] * strength;
        };
    };
    for (const int frame : {0, 1, 2, 4}) checkShown(steered("1"), frame, asPlate);
    checkShown(steered("1"), 3, blended(1));
    checkShown(steered("0.25"), 3, blended(0.25f));
    checkShown(steered("[{frame: 3, value: 0}, {frame: 5, value: 1}]"), 3, blended(0.5f));
    // Above 1 there is no more to be shown, and without strength nothing at all.
    checkShown(steered("1.5"), 3, blended(1));
    CHECK(steered("0").guided.values == steered("0").plate.values);
    CHECK(inputsOf(folder, {}).guided.frames == 0);
}

TEST_CASE("without the plate in the matte a guide lies over grey", "[guides]") {
    const ShotFolder folder;
    picture(folder, "half.exr", {"Y"}, 0.75f, 0.75f);
    Problems problems;
    const RenderPlan plan = folder.plan(
        problems,
        {"guides=[{type: depth, path: half.exr, frames: 3, strength: 0.5}]", "matte_fill=grey"});
    REQUIRE_FALSE(problems.hasErrors());
    const ModelInputs inputs = loadInputs(plan, image::ColorConfig::load(), [](double, double) {});
    for (const int frame : {0, 1, 3})
        checkShown(inputs, frame, [](float, int, size_t) { return 0.f; });
    checkShown(inputs, 2, [](float, int, size_t) { return 0.25f; });
}

TEST_CASE("depth, flow and scribble are shown as the numbers they are", "[guides]") {
    const ShotFolder folder;
    picture(folder, "map.exr", {"R", "G", "B"}, 0.25f, 0.25f);
    picture(folder, "lone.exr", {"Z"}, 0.25f, 0.25f);
    for (const char* guide : {"type: depth, path: map.exr", "type: flow, path: map.exr",
                              "type: scribble, path: map.exr", "type: depth, path: lone.exr"}) {
        CAPTURE(guide);
        const ModelInputs inputs = inputsOf(folder, {std::string("guides=[{") + guide + "}]"});
        checkShown(inputs, 2, [](float, int, size_t) { return -0.5f; });
    }
    // A picture that says less than the whole frame: far, or white.
    picture(folder, "part.exr", {"Y"}, 0.25f, 0.25f, {0, 0, 1, 1});
    const auto nothing = [&](const char* type) {
        return inputsOf(folder, {std::string("guides=[{path: part.exr, type: ") + type + "}]"});
    };
    checkShown(nothing("depth"), 2, [](float, int, size_t) { return -1.f; });
    checkShown(nothing("flow"), 2, [](float, int, size_t) { return 1.f; });
    checkShown(nothing("scribble"), 2, [](float, int, size_t) { return 1.f; });
    checkShown(nothing("previz"), 2, asPlate);
}

TEST_CASE("a previz without background lies over what is below it", "[guides]") {
    const ShotFolder folder;
    picture(folder, "white.exr", {"R", "G", "B"}, 0.5f, 0.5f);
    picture(folder, "mist.exr", {"R", "G", "B", "A"}, 0.25f, 0.25f);  // 1 at a quarter
    picture(folder, "full.exr", {"R", "G", "B"}, 1, 1);
    const ModelInputs full = inputsOf(folder, {"guides=[{type: previz, path: full.exr}]"});
    const float one = full.guided.plane(
        0, 2)[0 + full.guided.planeSize() / 2 + static_cast<size_t>(full.guided.width) / 2];
    checkShown(inputsOf(folder, {"guides=[{type: previz, path: mist.exr}]"}), 2,
               [&](float plate, int, size_t) { return plate * 0.75f + one * 0.25f; });
    // The later entry is the one in front.
    checkShown(inputsOf(folder, {"guides=[{type: flow, path: white.exr}, "
                                 "{type: previz, path: mist.exr, strength: 0.5}]"}),
               2, [&](float, int, size_t) { return one * 0.125f; });
    checkShown(inputsOf(folder, {"guides=[{type: previz, path: mist.exr}, "
                                 "{type: flow, path: white.exr}]"}),
               2, [](float, int, size_t) { return 0.f; });
}

TEST_CASE("a guide of another size is scaled over the plate, one of another shape refused",
          "[guides]") {
    const ShotFolder folder;
    picture(folder, "large.exr", {"Y"}, 0, 1);
    picture(folder, "small.exr", {"Y"}, 0, 1, {0, 0, 16, 12}, {0, 0, 16, 12});
    const auto shown = [&](const std::string& file) {
        return inputsOf(folder, {"region=full", "guides=[{type: scribble, path: " + file + "}]"});
    };
    const ModelInputs large = shown("large.exr"), small = shown("small.exr");
    const int width = large.guided.width;
    const auto at = [&](const ModelInputs& inputs, int x) {
        return inputs.guided.plane(0, 2)[static_cast<size_t>(inputs.guided.height / 2) * width + x];
    };
    // The matte goes from 8 to 20 of 32 columns, the step is in the middle.
    CHECK(at(large, width * 10 / 32) == Approx(-1).margin(0.01));
    CHECK(at(small, width * 10 / 32) == Approx(-1).margin(0.01));
    CHECK(at(large, width * 19 / 32) == Approx(1).margin(0.01));
    CHECK(at(small, width * 19 / 32) == Approx(1).margin(0.01));
    CHECK((at(small, width / 2 - 1) + at(small, width / 2)) == Approx(0).margin(0.01));

    int code = 0;
    picture(folder, "square.exr", {"Y"}, 0, 1, {0, 0, 16, 16}, {0, 0, 16, 16});
    CHECK_THAT(folder.problems({"guides=[{type: scribble, path: square.exr}]"}, &code),
               Contains("the guide is 16x16, which is not the shape of the plate's 32x24"));
    CHECK(code == 3);
}

TEST_CASE("what cannot be a guide is refused before a render", "[guides]") {
    const ShotFolder folder;
    int code = 0;
    const auto with = [&](const std::string& guide) {
        return folder.problems({"guides=[{" + guide + "}]"}, &code);
    };
    CHECK_THAT(with("type: depth, path: d.####.exr, frames: 3-4"),
               Contains("no guide for frame 3: ") && Contains("d.0004.exr") &&
                   !Contains("frame 2:") && !Contains("frame 5:"));
    CHECK(code == 3);
    picture(folder, "far.exr", {"Z"}, 1, 153);
    CHECK_THAT(with("type: depth, path: far.exr"),
               Contains("its values go from 0 to 153, not from 0 to 1: a depth guide is inverse"));
    CHECK(code == 3);
    picture(folder, "uv.exr", {"forward.u", "forward.v"}, 0, 1);
    CHECK_THAT(with("type: flow, path: uv.exr"),
               Contains("a flow guide has the channels R, G, B or Y, not forward.u, forward.v"));
    folder.plate("id.exr", {"id"}, {image::PixelType::UInt32});
    CHECK_THAT(with("type: depth, path: id.exr"), Contains("channel id holds 32-bit integers"));
    picture(folder, "z.exr", {"Z"}, 0, 1);
    CHECK_THAT(with("type: previz, path: z.exr"), Contains("a previz guide has the channels"));
    CHECK(with("type: scribble, path: z.exr") == "");
    folder.cut("z.exr", 0.9);
    CHECK_THAT(with("type: scribble, path: z.exr"), Contains("z.exr: it is cut off"));
    picture(folder, "g.0003.exr", {"Y"}, 0, 1);
    CHECK_THAT(folder.problems(
                   {"guides=[{type: flow, path: g.0003.exr, frames: 2}]", "output.path=g.####.exr"},
                   &code),
               Contains("would write over a guide"));
    CHECK(code == 2);
}

TEST_CASE("a keyframe is not covered, and guides stand in the log", "[guides]") {
    const ShotFolder folder;
    folder.plate("key.exr", {"R", "G", "B"});
    picture(folder, "map.exr", {"Y"}, 1, 1);
    const std::vector<std::string> both = {"keyframes=[{frame: 4, path: key.exr}]",
                                           "guides=[{type: depth, path: map.exr, frames: 3-5}]"};
    const ModelInputs inputs = inputsOf(folder, both);
    const size_t plane = inputs.plate.planeSize();
    CHECK(std::equal(inputs.guided.plane(0, 3), inputs.guided.plane(0, 3) + plane,
                     inputs.plate.plane(0, 3)));
    checkShown(inputs, 4, [](float, int, size_t) { return 1.f; });

    Problems problems;
    const RenderPlan plan = folder.plan(
        problems, {"guides=[{type: depth, path: map.exr, frames: 3-5, strength: 1.5}]"});
    CHECK(plan.frames[0].guides.empty());  // before the onset
    CHECK(plan.frames[1].guides == std::vector<std::string>{""});
    CHECK(plan.hintScales == std::vector<double>{1.5});
    CHECK_THAT(planText(plan), Contains("guides    depth ") && Contains("map.exr") &&
                                   Contains("hints     VACE's scaled up to 1.5 times"));
    CHECK_THAT(planJson(plan), Contains("\"hint_scale\": 1.5"));
    std::string roles;
    for (const auto& input : hashInputs(plan, "")) roles += input.role + " ";
    CHECK_THAT(roles, Contains("guide"));
    const RenderPlan weak =
        folder.plan(problems, {"guides=[{type: depth, path: map.exr, strength: 0.5}]"});
    CHECK(weak.hintScales == std::vector<double>{1});
    CHECK_FALSE(problems.hasErrors());
}
