// The second pass: its plan, and what it makes.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>

#include "image/read_frame.h"
#include "model/video_model.h"
#include "model/weights/safetensors.h"
#include "render/machine_speed.h"
#include "render/render.h"
#include "render/shared_work.h"
#include "shot_folder.h"

using namespace derrumbe;
using namespace derrumbe::render;
using Catch::Contains;

namespace {

constexpr Window whole{0, 0, 160, 112};

/// A shot whose crop is about twice as large as its model's working size of 48 x 32.
class LargeShot : public ShotFolder {
  public:
    LargeShot() {
        for (int frame = 1; frame <= 5; ++frame) {
            plate(file("p", frame), {"R", "G", "B", "A"}, {}, whole);
            matte(file("m", frame), {50 + frame, 30, 50, 40}, whole);
        }
    }

    RenderPlan planned(std::vector<std::string> overrides = {}) const {
        overrides.insert(overrides.begin(), "refine.strength=0.4");
        Problems problems;
        RenderPlan made = plan(problems, overrides);
        for (const Problem& problem : problems.list()) UNSCOPED_INFO(problem.text());
        REQUIRE_FALSE(problems.hasErrors());
        return made;
    }

    /// Renders, and returns what --dump-tensors writes.
    std::map<std::string, at::Tensor> tensors(const RenderPlan& plan) const {
        setThreads(1);
        RenderOptions options;
        options.overwrite = true;
        options.dumpTensors = (path / "dump.safetensors").string();
        Log log;
        Progress progress(ProgressStyle::None);
        derrumbe::render::render(plan, options, log, progress);
        const auto source = model::openSafetensors(options.dumpTensors);
        std::map<std::string, at::Tensor> all;
        for (const auto& item : source->tensors())
            all[item.first] = source->read(item.first).clone();
        return all;
    }
};

double greatest(const at::Tensor& values) {
    return values.abs().max().item<double>();
}

}  // namespace

TEST_CASE("without refine there is one pass", "[refine]") {
    const LargeShot shot;
    CHECK_FALSE(shot.planned({"refine.strength=0"}).second);
    Problems problems;
    CHECK_FALSE(shot.plan(problems).second);
    CHECK_THAT(planJson(shot.plan(problems)), Contains("\"refine\": null"));
}

TEST_CASE("the second pass is as large as the crop, in tiles of the model's size", "[refine]") {
    const LargeShot shot;
    const RenderPlan plan = shot.planned();
    REQUIRE(plan.second);
    const RenderPlan& second = *plan.second;
    CHECK(plan.region.width == 48);
    CHECK(plan.region.height == 32);
    CHECK(second.region.crop == plan.region.crop);
    const double across = static_cast<double>(plan.region.crop.width) / 48,
                 down = static_cast<double>(plan.region.crop.height) / 32;
    CHECK(std::abs(second.region.width - 48 * std::max(across, down)) <= 8);
    CHECK(std::abs(second.region.height - 32 * std::max(across, down)) <= 8);
    CHECK(second.latentWidth * 8 == second.region.width);
    REQUIRE(second.tiles.size() > 1);
    for (const clip::Tile& tile : second.tiles) {
        CHECK(tile.height == plan.latentHeight);
        CHECK(tile.width == plan.latentWidth);
        CHECK(tile.bottom() <= second.latentHeight);
        CHECK(tile.right() <= second.latentWidth);
        CHECK(tile.y % 2 + tile.x % 2 == 0);  // whole tokens
    }
    // The matte, in the crop of this pass, lies in the tiles with what its mask is grown by.
    const clip::Tile covered = clip::coveredBy(second.tiles);
    const Window& crop = plan.region.crop;
    const auto latent = [](double plate, int size, int latents) { return plate * latents / size; };
    CHECK(covered.x <= latent(51 - crop.x, crop.width, second.latentWidth) - 0.7);
    CHECK(covered.right() >= latent(105 - crop.x, crop.width, second.latentWidth) + 0.7);
    CHECK(covered.y <= latent(30 - crop.y, crop.height, second.latentHeight));
    // Of four steps with a shift of 3 those below 0.4 are 0.18 of all.
    CHECK(second.sampler.steps == 1);
    CHECK(second.sampler.start == 0.4);
    CHECK(shot.planned({"sampler.steps=20"}).second->sampler.steps == 4);
    CHECK(second.work.denoise / second.cost.forwardFlops ==
          Approx(2.0 * static_cast<double>(second.tiles.size())));
    CHECK(plan.flops() == Approx(plan.work.total() + second.work.total()));
    CHECK(plan.peakBytes > shot.planned({"refine.strength=0"}).peakBytes);
    CHECK_THAT(planText(plan), Contains("refine    " + std::to_string(second.region.width) + "x"));
    const auto json = nlohmann::json::parse(planJson(plan));
    CHECK(json["refine"]["tiles"].size() == second.tiles.size());
    CHECK(json["refine"]["start"] == 0.4);
}

TEST_CASE("scale and overlap are what the shot says, as far as there are pixels", "[refine]") {
    const LargeShot shot;
    const RenderPlan some = shot.planned({"refine.scale=1.34"}), all = shot.planned();
    CHECK(some.second->region.width == 64);
    CHECK(some.second->region.width < all.second->region.width);
    CHECK(shot.planned({"refine.overlap=0"}).second->tiles.size() <= all.second->tiles.size());
    CHECK_THAT(shot.problems({"refine={strength: 0.4, scale: 9}"}),
               Contains("refine.scale 9 is more than the crop's full resolution"));
    int code = 0;
    CHECK_THAT(shot.problems({"refine={strength: 0.4, overlap: 32}"}, &code),
               Contains("tiles of 48x32 pixels") && Contains("cannot overlap by 32"));
    CHECK(code == 2);
    CHECK_THAT(shot.problems({"refine={scale: 2}"}, &code), Contains("strength"));
    CHECK(code == 2);
    // A crop that has no more pixels than the model: nothing to do, and that is said.
    const ShotFolder small;
    const std::string said = small.problems({"refine.strength=0.4"}, &code);
    CHECK_THAT(said, Contains("warning") && Contains("there is no second pass"));
    CHECK(code == 0);
}

TEST_CASE("a beat's place is that of the larger picture in the second pass", "[refine]") {
    const LargeShot shot;
    const RenderPlan plan =
        shot.planned({"beats=[{from: 3, prompt: smoke, matte: {path: m.####.exr}}]"});
    REQUIRE(plan.second->prompts.size() == 2);
    CHECK(plan.prompts[1].cells == plan.latentHeight * plan.latentWidth);
    CHECK(plan.second->prompts[1].cells == plan.second->latentHeight * plan.second->latentWidth);
}

TEST_CASE("takes share the second pass' clips where their difference has no part in them",
          "[refine][shared]") {
    const LargeShot shot;
    const SharedKeys keys = sharedKeys(*shot.planned().second);
    const auto same = [&](const std::vector<std::string>& overrides) {
        const SharedKeys other = sharedKeys(*shot.planned(overrides).second);
        return keys.inputs == other.inputs && keys.conditioning == other.conditioning &&
               keys.reconstruction == other.reconstruction && keys.model == other.model;
    };
    CHECK(same({"refine.strength=0.7", "refine.overlap=8", "sampler.seed=8"}));
    CHECK_FALSE(same({"refine.scale=1.34"}));
    CHECK(sharedKeys(shot.planned({"refine.scale=1.34"})).inputs ==
          sharedKeys(shot.planned()).inputs);
}

TEST_CASE("with hardly any noise the second pass gives back the first one's picture", "[refine]") {
    const LargeShot shot;
    const RenderPlan plan = shot.planned({"refine.strength=0.0001", "grain=off"});
    const auto tensors = shot.tensors(plan);
    const at::Tensor start = tensors.at("refine.start_video"),
                     plate = tensors.at("refine.input_video"),
                     mask = tensors.at("refine.input_mask"), made = tensors.at("refine.video");
    REQUIRE(start.size(3) == plan.second->region.height);
    // It begins with the plate outside the mask and with what the first pass made inside.
    CHECK(greatest((start - plate) * (1 - mask)) == 0);
    CHECK(greatest((start - plate) * mask) > 0.1);
    const auto model = model::loadVideoModel(plan.model.folder, {});
    const at::Tensor back = model->decode(model->encode(start, {}), {});
    CHECK(greatest(made - back) < 5e-3);  // noise of 1e-4, through a random VAE
    // More noise is another picture.
    const auto more = shot.tensors(shot.planned({"refine.strength=0.6", "grain=off"}));
    CHECK(at::equal(more.at("refine.start_video"), start));
    CHECK(at::equal(more.at("video"), tensors.at("video")));
    CHECK(greatest(more.at("refine.video") - back) > 0.05);
    // Its noise is another one than the first pass', the same place or not.
    const at::Tensor noise = more.at("refine.noise");
    const at::Tensor corner = noise.narrow(3, 0, 4).narrow(4, 0, 6);
    CHECK(greatest(corner - more.at("noise")) > 1);
}

TEST_CASE("references, guides and a window at a time go through the second pass", "[refine]") {
    const LargeShot shot;
    const RenderPlan plan = shot.planned(
        {"references=[p.0001.exr]", "guides=[{type: previz, path: p.0003.exr, strength: 1.5}]",
         "windows={length: 1, overlap: 0}", "sampler.steps=8", "region=follow"});
    REQUIRE(plan.windows.size() > 1);
    REQUIRE(plan.second->sampler.steps > 1);
    const auto tensors = shot.tensors(plan);
    const at::Tensor conditioning = tensors.at("refine.conditioning");
    CHECK(conditioning.size(2) == plan.latentFrames + 1);
    // The reference is the first pass' own, in the corner.
    const clip::Tile& tile = plan.second->tiles.front();
    const at::Tensor corner =
        conditioning.narrow(2, 0, 1).narrow(3, 0, tile.height).narrow(4, 0, tile.width);
    CHECK(at::allclose(corner, tensors.at("conditioning").narrow(2, 0, 1), 1e-4, 1e-4));
    CHECK(greatest(tensors.at("refine.video")) > 0);
}
