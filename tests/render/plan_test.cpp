#include "render/plan.h"

#include <catch2/catch.hpp>

#include "render/inputs.h"
#include "render/machine_speed.h"
#include "shot_folder.h"

using namespace derrumbe;
using namespace derrumbe::render;
using Catch::Matchers::Contains;
using image::PixelType;
namespace fs = std::filesystem;

TEST_CASE("a good shot has no problems", "[plan]") {
    const ShotFolder folder;
    CHECK(folder.problems() == "");
}

TEST_CASE("an output that would take an input's place is refused", "[plan]") {
    const ShotFolder folder;
    int code = 0;
    // A single plate, held for every frame, that one frame of the output is called like.
    CHECK_THAT(folder.problems({"plate.path=p.0001.exr", "output.path=p.####.exr"}, &code),
               Contains("would write over a plate") && Contains("p.0001.exr"));
    CHECK(code == 2);
    CHECK_THAT(folder.problems({"matte.path=m.0003.exr", "output.path=m.####.exr"}, &code),
               Contains("would write over a matte") && Contains("m.0003.exr"));
    CHECK(code == 2);
    fs::create_directory_symlink(".", folder.path / "here");
    CHECK_THAT(folder.problems({"output.path=here/p.####.exr"}, &code),
               Contains("would write over a plate") && Contains("and 4 more"));
    CHECK(code == 2);
    CHECK_THAT(folder.problems({"keyframes=[{frame: 3, path: p.0001.exr}]", "plate.path=p.0002.exr",
                                "output.path=p.####.exr"}),
               Contains("would write over a"));

    fs::create_symlink(folder.path / "p.0003.exr", folder.path / "o.0003.exr");
    CHECK_THAT(folder.problems({}, &code), Contains("output.path would write over a plate"));
    CHECK(code == 2);
    fs::remove(folder.path / "o.0003.exr");

    std::ofstream(folder.path / "shot.yaml") << "x";
    fs::create_symlink(folder.path / "shot.yaml", folder.path / "log.json");
    CHECK_THAT(folder.problems({"provenance.path=log.json"}, &code),
               Contains("provenance.path would write over the shot file"));
    CHECK(code == 2);

    fs::copy(ShotFolder::fixtureModel(), folder.path / "model", fs::copy_options::recursive);
    CHECK_THAT(folder.problems({"model.path=model", "provenance.path=model/derrumbe.json"}, &code),
               Contains("provenance.path would write over part of the model"));
}

TEST_CASE("a pair of experts has a guidance each", "[plan][experts]") {
    const ShotFolder folder;
    const std::string pair =
        "model.path=" + (ShotFolder::fixtureModel().parent_path() / "pipeline_3").string();
    Problems problems;
    const RenderPlan own = folder.plan(problems, {pair}),
                     same = folder.plan(problems, {pair, "sampler.guidance=6"}),
                     other = folder.plan(problems, {pair, "sampler.guidance_2=1"});
    CHECK_FALSE(problems.hasErrors());
    CHECK(own.sampler.boundary == 0.8);
    CHECK(own.sampler.guidance2 == own.sampler.guidance);
    CHECK(same.sampler.guidance2 == 6);
    CHECK(other.sampler.guidance == own.sampler.guidance);
    CHECK(other.sampler.guidance2 == 1);
    CHECK(other.work.total() < own.work.total());  // unguided steps are evaluated once
    CHECK_THAT(planText(other),
               Contains("experts   the second from timestep 800 down, guidance 1"));
    CHECK_THAT(planJson(other), Contains("\"guidance_2\": 1.0"));
    int code = 0;
    CHECK_THAT(folder.problems({"sampler.guidance_2=3"}, &code),
               Contains("this model has one transformer"));
    CHECK(code == 2);
}

TEST_CASE("every plate is looked at, not the first alone", "[plan]") {
    const ShotFolder folder;
    int code = 0;
    folder.cut("p.0004.exr", 0.9);
    folder.plate("p.0003.exr", {"R", "G", "B"});
    folder.plate("p.0005.exr", {"R", "G", "B", "A"}, {}, {0, 0, 30, 24});
    const std::string all = folder.problems({}, &code);
    CHECK(code == 3);
    CHECK_THAT(all, Contains("p.0004.exr: it is cut off"));
    CHECK_THAT(all, Contains("p.0003.exr: its channels differ") &&
                        Contains("R, G, B instead of R, G, B, A"));
    CHECK_THAT(all, Contains("p.0005.exr: its windows differ") && Contains("30x24"));
    CHECK_THAT(all, Contains("shot.yaml"));
}

TEST_CASE("a plate needs colours that are light", "[plan]") {
    const ShotFolder folder;
    int code = 0;
    folder.plate("z.exr", {"Z", "id"});
    CHECK_THAT(folder.problems({"plate.path=z.exr"}, &code),
               Contains("neither the channels R, G, B nor Y, but Z, id"));
    CHECK(code == 3);
    folder.plate("u.exr", {"R", "G", "B"}, {PixelType::Half, PixelType::UInt32, PixelType::Half});
    CHECK_THAT(folder.problems({"plate.path=u.exr"}, &code),
               Contains("its channel G holds 32-bit integers"));
    CHECK(code == 3);
    folder.plate("y.exr", {"Y"});
    CHECK(folder.problems({"plate.path=y.exr"}) == "");
}

TEST_CASE("a plate that already holds our layers is refused before anything is rendered",
          "[plan]") {
    const ShotFolder folder;
    int code = 0;
    folder.plate("again.exr", {"R", "G", "B", "A", "generated.R", "matte.Y"});
    CHECK_THAT(folder.problems({"plate.path=again.exr"}, &code),
               Contains("already holds generated.R, matte.Y"));
    CHECK(code == 2);
    CHECK(folder.problems({"plate.path=again.exr", "output.layers=[]"}) == "");
}

TEST_CASE("half narrows no channel unless the shot says so", "[plan]") {
    const ShotFolder folder;
    int code = 0;
    const std::vector<std::string> channels = {"R", "G", "B", "A", "Z"};
    const PixelType half = PixelType::Half;
    folder.plate("z.exr", channels, {half, half, half, half, PixelType::Float});
    CHECK_THAT(folder.problems({"plate.path=z.exr", "output.pixel_type=half"}, &code),
               Contains("bit for bit (Z: float)"));
    CHECK(code == 2);
    folder.plate("a.exr", channels, {half, half, half, PixelType::Float, half});
    CHECK_THAT(folder.problems({"plate.path=a.exr", "output.pixel_type=half"}),
               Contains("(A: float)"));
    CHECK(folder.problems({"plate.path=a.exr", "output.pixel_type=half", "output.lossy=true"}) ==
          "");
    // Ids are never converted.
    folder.plate("id.exr", channels, {half, half, half, half, PixelType::UInt32});
    CHECK(folder.problems({"plate.path=id.exr", "output.pixel_type=half"}) == "");
}

TEST_CASE("mattes, references and keyframes are looked at before a render", "[plan]") {
    const ShotFolder folder;
    int code = 0;
    folder.matte("m.0004.exr", {0, 0, 4, 4}, {0, 0, 16, 16});
    folder.cut("m.0005.exr", 0.9);
    folder.plate("small.exr", {"R", "G", "B"}, {}, {0, 0, 8, 8});
    const std::string all =
        folder.problems({"references=[none.exr, small.exr]",
                         "keyframes=[{frame: 3, path: small.exr}, {frame: 4, path: nokey.exr}]"},
                        &code);
    CHECK(code == 3);
    CHECK_THAT(all, Contains("m.0004.exr is 16x16, the plate is 32x24"));
    CHECK_THAT(all, Contains("m.0005.exr: it is cut off"));
    CHECK_THAT(all, Contains("none.exr: there is no such file"));
    CHECK_THAT(all, Contains("small.exr: a keyframe has the plate's size, 32x24+0+0, not 8x8"));
    CHECK_THAT(all, Contains("nokey.exr: there is no such file"));
}

TEST_CASE("a matte is needed from the onset on, and not before", "[plan]") {
    const ShotFolder folder;
    fs::remove(folder.path / "m.0001.exr");
    CHECK(folder.problems() == "");
    Problems none;
    CHECK(folder.plan(none).frames.front().mattes.empty());
    fs::remove(folder.path / "m.0002.exr");
    CHECK_THAT(folder.problems(), Contains("no matte for frame 2"));
}

TEST_CASE("an empty matte is a warning, and the model has nothing to do", "[plan]") {
    const ShotFolder folder;
    for (int frame = 2; frame <= 5; ++frame)
        folder.matte(ShotFolder::file("m", frame), {0, 0, 0, 0});
    int code = 0;
    CHECK_THAT(folder.problems({}, &code), Contains("nothing will happen"));
    CHECK(code == 0);
    for (const char* region : {"region=auto", "region=full", "region=[0, 0, 16, 16]"}) {
        Problems problems;
        const RenderPlan plan = folder.plan(problems, {region});
        CHECK(plan.region.crop.empty());
        CHECK(plan.windows.empty());
        CHECK_THAT(planText(plan), Contains("the model does not run"));
        CHECK_NOTHROW(planJson(plan));
    }
}

TEST_CASE("names that no disk can hold are input errors", "[plan]") {
    const ShotFolder folder;
    int code = 0;
    const std::string name(300, 'a');
    CHECK_THAT(folder.problems({"plate.path=" + name + ".####.exr"}, &code), Contains("too long"));
    CHECK(code == 3);
    CHECK_THAT(folder.problems({"matte.path=" + name + ".####.exr"}, &code), Contains("too long"));
    CHECK(code == 3);
    fs::create_symlink("loop.exr", folder.path / "loop.exr");
    CHECK_THAT(folder.problems({"plate.path=loop.exr", "plate.missing=black"}, &code),
               Contains("loop.exr"));
    CHECK(code == 3);
    folder.problems({"keyframes=[{frame: 3, path: loop.exr}]"}, &code);
    CHECK(code == 3);
}

TEST_CASE("a model folder is looked at as a whole", "[plan]") {
    const ShotFolder folder;
    int code = 0;
    const fs::path model = folder.path / "model";
    fs::copy(ShotFolder::fixtureModel(), model, fs::copy_options::recursive);
    CHECK(folder.problems({"model.path=model"}) == "");
    std::ofstream(model / "tokenizer/spiece.model") << "no vocabulary";
    CHECK_THAT(folder.problems({"model.path=model"}, &code), Contains("no SentencePiece model"));
    CHECK(code == 4);
    fs::remove(model / "tokenizer/spiece.model");
    CHECK_THAT(folder.problems({"model.path=model"}, &code), Contains("spiece.model"));
    CHECK(code == 4);
    // Another part's tensors: every one that is needed is missing.
    fs::copy_file(model / "vae/diffusion_pytorch_model.safetensors",
                  model / "vae/config.safetensors");
    fs::remove(model / "text_encoder/model.safetensors.index.json");
    fs::remove(model / "text_encoder/model-00002-of-00002.safetensors");
    CHECK_THAT(folder.problems({"model.path=model"}, &code), Contains("is missing"));
    CHECK(code == 4);
}

TEST_CASE("a plate whose channels change in the middle is no frame to deliver", "[plan]") {
    const ShotFolder folder;
    Problems problems;
    const RenderPlan plan = folder.plan(problems);
    REQUIRE_FALSE(problems.hasErrors());
    folder.plate("p.0003.exr", {"R", "G", "B"});
    CHECK_NOTHROW(readJobPlate(plan, plan.frames[1]));
    CHECK_THROWS_WITH(readJobPlate(plan, plan.frames[2]), Contains("its channels differ"));
}

TEST_CASE("short windows keep a stride of half their length", "[plan]") {
    const ShotFolder folder;
    Problems problems;
    RenderPlan plan = folder.plan(problems, {"windows.length=5"});
    REQUIRE_FALSE(problems.hasErrors());
    // Five frames are two latents: one window.
    CHECK(plan.windows.size() == 1);
    for (int frame = 6; frame <= 9; ++frame)
        fs::copy_file(folder.path / "p.0001.exr", folder.path / ShotFolder::file("p", frame));
    const std::vector<std::string> held = {"plate.path=p.0001.exr", "matte.path=m.0002.exr",
                                           "frames=1-81"};
    std::vector<std::string> shorter = held;
    shorter.push_back("windows.length=17");
    plan = folder.plan(problems, shorter);
    REQUIRE(plan.windows.size() >= 2);
    CHECK(plan.windows[0].length == 5);
    CHECK(plan.windows[1].first - plan.windows[0].first >= 2);
    // What the shot says itself is done.
    shorter.push_back("windows.overlap=13");
    plan = folder.plan(problems, shorter);
    CHECK(plan.windows[1].first == 1);
    std::vector<std::string> wide = held;
    wide.push_back("windows.overlap=9999");
    int code = 0;
    CHECK_THAT(folder.problems(wide, &code), Contains("cannot overlap by 9999"));
    CHECK(code == 2);
}

TEST_CASE("memory is that of the parts that are loaded together, and of the plates", "[plan]") {
    const ShotFolder folder;
    Problems problems;
    const RenderPlan plan = folder.plan(problems);
    REQUIRE_FALSE(problems.hasErrors());
    const double weights =
        4.0 * static_cast<double>(plan.model.transformerParameters + plan.model.vaeParameters);
    CHECK(plan.peakBytes >= plan.cost.heldBytes + weights);
    RenderPlan large = plan;
    folder.plate("large.exr", {"R", "G", "B", "A"}, {}, {0, 0, 2048, 1024});
    folder.matte("large_m.exr", {100, 100, 300, 300}, {0, 0, 2048, 1024});
    large = folder.plan(problems, {"plate.path=large.exr", "matte.path=large_m.exr"});
    const double pixels = 2048.0 * 1024;
    CHECK(large.peakBytes >= pixels * 4 * 4 * 3);
    // A second thread works on a second frame.
    const double one = large.peakBytes;
    large = folder.plan(problems, {"plate.path=large.exr", "matte.path=large_m.exr"}, 2);
    CHECK(large.framesAtOnce == 2);
    CHECK(large.peakBytes > one);
}

TEST_CASE("the plate's way through the VAE is part of the plan", "[plan]") {
    const ShotFolder folder;
    Problems problems;
    const RenderPlan with = folder.plan(problems), without = folder.plan(problems, {"detail=off"});
    REQUIRE_FALSE(problems.hasErrors());
    CHECK(with.work.total() - without.work.total() ==
          Approx(with.cost.encodeFlops / 2 + with.cost.decodeFlops).epsilon(1e-6));
    CHECK(with.peakBytes > without.peakBytes);
}

TEST_CASE("numbers of a model that is asked for no type", "[plan]") {
    for (const Bfloat16Products able : {Bfloat16Products::Avx512, Bfloat16Products::Tiles}) {
        CHECK(chooseDtype("auto", "cpu", true, able) == "bfloat16");
        CHECK(chooseDtype("auto", "cpu", false, able) == "float32");
        CHECK(chooseDtype("float32", "cpu", true, able) == "float32");
    }
    CHECK(chooseDtype("auto", "cpu", true, Bfloat16Products::None) == "float32");
    CHECK(chooseDtype("auto", "cuda:1", false, Bfloat16Products::None) == "bfloat16");
    CHECK(chooseDtype("float16", "cpu", true) == "float16");
}

TEST_CASE("a beat costs an evaluation where it holds, and changes nothing else of the plan",
          "[plan]") {
    const ShotFolder folder;
    Problems problems;
    const RenderPlan plain = folder.plan(problems),
                     told = folder.plan(problems, {"beats=[{from: 3, prompt: smoke, blend: 2}]"}),
                     whole = folder.plan(problems, {"beats=[{from: 1, prompt: smoke}]"});
    REQUIRE_FALSE(problems.hasErrors());
    REQUIRE(plain.prompts.size() == 1);
    CHECK(plain.prompts[0].weights == std::vector<float>{1, 1});
    REQUIRE(told.prompts.size() == 2);
    // Latent frames stand for frame 1 and for frames 2 to 5, of which the beat has 1/4, 3/4, 1, 1.
    CHECK(told.prompts[1].weights == std::vector<float>{0, 0.75f});
    const double step = plain.cost.forwardFlops * plain.sampler.steps;
    CHECK(told.work.total() - plain.work.total() ==
          Approx(step + plain.cost.textFlops).epsilon(1e-6));
    CHECK(whole.work.total() - plain.work.total() == Approx(plain.cost.textFlops).epsilon(1e-6));
    CHECK_FALSE(whole.prompts[0].holdsIn(whole.windows[0]));
    CHECK(told.region.crop == plain.region.crop);
}

TEST_CASE("tokens far from the mask are left out of the plan, and the render says so",
          "[plan][sparse]") {
    const ShotFolder folder;
    Problems problems;
    const std::vector<std::string> wide{"region=full", "matte=[{path: m.####.exr, grow: -4}]"};
    const auto with = [&](const std::string& sparse) {
        std::vector<std::string> all = wide;
        all.push_back("sampler.sparse=" + sparse);
        return folder.plan(problems, all);
    };
    const RenderPlan off = folder.plan(problems, wide), near = with("0"), far = with("4"),
                     all = with("9999");
    REQUIRE_FALSE(problems.hasErrors());
    CHECK(off.kept.empty());
    CHECK(all.kept.empty());
    REQUIRE(near.kept.size() == 1);
    CHECK(off.tokens(0) == off.cost.tokens);
    CHECK(all.work.total() == off.work.total());
    CHECK(near.tokens(0) > 0);
    CHECK(near.tokens(0) < far.tokens(0));
    CHECK(far.tokens(0) < off.tokens(0));
    CHECK(near.cost.tokens == near.tokens(0));
    CHECK(near.work.denoise < far.work.denoise);
    CHECK(near.work.denoise ==
          Approx(off.work.denoise / off.cost.forwardFlops * near.cost.forwardFlops));
    // The plate is encoded for it, once for its detail too.
    CHECK(near.work.encode + near.work.detail == Approx(off.work.encode + off.work.detail));
    CHECK(near.cost.denoiseBytes <= off.cost.denoiseBytes);
    // Every latent frame of the window has the same places, the one before the onset too.
    const auto half = near.kept[0].begin() + static_cast<std::ptrdiff_t>(near.kept[0].size() / 2);
    CHECK(std::equal(near.kept[0].begin(), half, half));
    CHECK(planText(near).find("working pixels from the model's mask") != std::string::npos);
    CHECK(planText(off).find("sparse") == std::string::npos);
    // What a keyframe keeps is nothing that the model may change.
    const RenderPlan kept = folder.plan(problems, {"region=full", "sampler.sparse=0", "onset=5",
                                                   "keyframes=[{frame: 5, path: p.0005.exr}]"});
    REQUIRE_FALSE(problems.hasErrors());
    REQUIRE(kept.kept.size() == 1);
    CHECK(kept.tokens(0) == 0);
}
