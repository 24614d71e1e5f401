#include <catch2/catch.hpp>

#include "../fixture_folders.h"
#include "../test_device.h"
#include "model/sampling/sampler.h"
#include "model/video_model.h"
#include "model/weights/config.h"
#include "model/weights/safetensors.h"

using namespace derrumbe;
using namespace derrumbe::model;

namespace {

/// One run of diffusers' WanVACEPipeline (scripts/parity/fixtures_pipeline.py), done again here.
struct Run {
    Config settings;
    std::shared_ptr<const TensorSource> io;
    std::unique_ptr<VideoModel> model;

    explicit Run(const std::filesystem::path& folder)
        : settings(Config::read(folder / "pipeline.json")),
          io(openSafetensors(folder / "io.safetensors")),
          model(loadVideoModel(folder, {testDevice(), "float32"})) {}

    bool has(const std::string& name) const { return io->tensors().count(name) != 0; }

    at::Tensor embed(const std::string& name) const {
        const at::Tensor ids = io->read(name).to(at::kLong).contiguous();
        const int64_t* first = ids.const_data_ptr<int64_t>();
        return model->encodePrompts({{first, first + ids.numel()}}, {}).front();
    }

    at::Tensor image() const { return model->encodeImage(io->read("input_video")); }

    at::Tensor conditioning() const {
        ConditioningInput input;
        input.video = io->read("input_video");
        input.mask = io->read("input_mask");
        input.keepReactive = settings.flag("keep_reactive", true);
        if (has("input_references"))
            for (const at::Tensor& image : io->read("input_references").unbind(0))
                input.references.push_back(image.unsqueeze(0).unsqueeze(2));
        return model->encodeConditioning(input, {});
    }

    /// All steps; the latents of the references are cut off.
    at::Tensor denoise(const at::Tensor& prompt, const at::Tensor& negative,
                       const at::Tensor& conditions, const at::Tensor& image) const {
        const auto sampler = makeSampler(settings.text("scheduler", ""),
                                         static_cast<int>(settings.integer("steps", 0, 1, 100)),
                                         settings.number("shift", 0, 0, 100));
        const double guidance = settings.number("guidance", 0, 0, 100);
        const double guidance2 = settings.number("guidance_2", guidance, 0, 100);
        const double boundary = 1000 * model->description().boundary;
        SamplerState state;
        at::Tensor latents = io->read("noise");
        for (const double timestep : sampler->timesteps()) {
            const bool guided = guidance > 1;
            const std::vector<at::Tensor> branches =
                model
                    ->velocity({latents,
                                timestep,
                                guided ? at::cat({prompt, negative}) : prompt,
                                conditions,
                                1.0,
                                {},
                                {},
                                image})
                    .split(1);
            const at::Tensor velocity =
                guided ? guide(branches[0], branches[1], timestep < boundary ? guidance2 : guidance)
                       : branches[0];
            latents = sampler->step(velocity, latents, state);
        }
        const int64_t frames = io->read("latents").size(2);
        return latents.narrow(2, latents.size(2) - frames, frames);
    }
};

}  // namespace

TEST_CASE("the whole pipeline makes diffusers' video from the same noise",
          "[pipeline][parity][device]") {
    auto folders = fixtureFolders("pipeline_");
    REQUIRE(folders.size() >= 4);
    // Image-to-video where nothing is held: the first frame is shown, all is generated.
    for (const auto& folder : fixtureFolders("image_to_video_")) folders.push_back(folder);
    REQUIRE(folders.back().filename() == "image_to_video_1");
    for (const auto& folder : folders) {
        const std::string name = folder.filename().string();
        INFO(name);
        const Run run(folder);
        const auto [part, pipeline] = tolerance();
        const auto error = [&](const at::Tensor& made, const std::string& what) {
            return largestDifference(made, run.io->read(what), name + " " + what);
        };
        const at::Tensor prompt = run.embed("ids"), negative = run.embed("negative_ids");
        CHECK(error(prompt, "prompt_embeds") <= part);
        if (run.has("negative_prompt_embeds"))
            CHECK(error(negative, "negative_prompt_embeds") <= part);
        const at::Tensor conditions = run.conditioning();
        CHECK(error(conditions, "conditioning") <= part);
        INFO(run.model->description().family);
        const at::Tensor image = run.image();
        REQUIRE(image.defined() == run.has("image_embeds"));
        if (image.defined()) CHECK(error(image, "image_embeds") <= part);
        const at::Tensor latents = run.denoise(prompt, negative, conditions, image);
        CHECK(error(latents, "latents") <= pipeline);
        CHECK(error(run.model->decode(latents, {}), "video") <= pipeline);
    }
}
