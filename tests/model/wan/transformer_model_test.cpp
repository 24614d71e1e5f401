// The family as its users see it: a folder described, checked, loaded and run.
#include <catch2/catch.hpp>
#include <cmath>

#include "../tiny_folder.h"
#include "model/sampling/sampler.h"
#include "model/video_model.h"

using namespace derrumbe;
using namespace derrumbe::model;

namespace {

std::string all(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    return text;
}

std::string refusal(const std::filesystem::path& folder) {
    try {
        loadVideoModel(folder, {});
    } catch (const Error& error) {
        CHECK(error.code() == ExitCode::Model);
        return error.what();
    }
    return "";
}

bool says(const std::string& text, const std::string& part) {
    INFO(text);
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a folder is described by its configurations", "[model]") {
    const TinyFolder folder;
    Description d = describeModel(folder.path);
    CHECK(d.name == folder.path.filename().string());
    CHECK(d.family == "wan-vace");
    CHECK(d.spatialScale == 4);
    CHECK(d.temporalScale == 4);
    CHECK(d.sizeMultiple == 8);
    CHECK(d.latentChannels == 4);
    CHECK(d.textWidth == 16);
    CHECK(d.textLength == 512);
    CHECK(d.layers == 2);
    CHECK(d.vaceLayers == 1);
    CHECK(d.encoding == "srgb_shoulder");
    CHECK(d.matteFill == "grey");
    CHECK(d.sampler.scheduler == "unipc");
    CHECK(d.sampler.steps == 30);
    CHECK(d.sampler.guidance == 5.0);
    CHECK(d.sampler.shift == 2.5);
    CHECK(d.windowLength == 81);
    CHECK(d.windowOverlap == 17);
    std::uint64_t counted = 0;
    for (const char* part : {"transformer", "vae", "text_encoder"})
        for (const auto& item : folder.tensors(part)) counted += item.second.numel();
    CHECK(d.parameters == counted);
    std::map<std::string, int> roles;
    for (const auto& file : d.files) {
        CHECK(file.bytes == std::filesystem::file_size(file.path));
        ++roles[file.role];
    }
    CHECK(roles == std::map<std::string, int>{{"weights", 3}, {"config", 5}, {"tokenizer", 1}});

    folder.text("README.md", "---\nlanguage: en\nlicense: apache-2.0\n---\n# x\n");
    CHECK(describeModel(folder.path).license == "apache-2.0");
    folder.text("derrumbe.json", R"({"name": "mini", "version": "3", "license": "CC0-1.0",
        "encoding": "logc3", "encoding_space": "lin_ap1", "matte_fill": "plate",
        "working_size": [64, 40], "window": {"length": 25, "overlap": 9}, "text_length": 64,
        "sampler": {"scheduler": "euler", "steps": 12, "guidance": 2.5, "shift": 4},
        "training": {"statement": "simulated", "rights": "own work", "hours": 3.5}, "later": 1})");
    d = describeModel(folder.path);
    CHECK(d.name == "mini");
    CHECK(d.version == "3");
    CHECK(d.license == "CC0-1.0");
    CHECK(d.encoding == "logc3");
    CHECK(d.encodingSpace == "lin_ap1");
    CHECK(d.matteFill == "plate");
    CHECK(d.workingWidth == 64);
    CHECK(d.workingHeight == 40);
    CHECK(d.windowLength == 25);
    CHECK(d.textLength == 64);
    CHECK(d.sampler.scheduler == "euler");
    CHECK(d.sampler.steps == 12);
    CHECK(d.sampler.shift == 4);
    CHECK(d.trainingStatement == "simulated");
    CHECK(d.trainingRights == "own work");
    CHECK(d.trainingHours == 3.5);
}

TEST_CASE("faults of a card are named together", "[model]") {
    const TinyFolder folder;
    folder.text("derrumbe.json", R"({"matte_fill": "red", "working_size": [65, 40],
        "window": {"length": 24, "overlap": 30}, "sampler": {"steps": 0, "scheduler": "ddim"}})");
    const std::string text = refusal(folder.path);
    for (const char* part : {"matte_fill", "working_size", "window.length", "window.overlap",
                             "sampler.steps", "sampler.scheduler"})
        CHECK(says(text, part));
}

TEST_CASE("a folder's tensors are checked without reading them", "[model]") {
    const TinyFolder folder;
    CHECK(all(checkModel(folder.path)) == "");
    auto tensors = folder.tensors("transformer");
    tensors.erase("blocks.1.attn2.norm_q.weight");
    tensors["proj_out.bias"] = at::zeros({3});
    tensors["surplus"] = at::zeros({3});
    tensors["blocks.0.attn2.norm_added_q.weight"] = at::zeros({3});
    writeSafetensors(folder.weightsFile("transformer"), tensors);
    auto vae = folder.tensors("vae");
    vae.erase("quant_conv.bias");
    writeSafetensors(folder.weightsFile("vae"), vae);
    const auto lines = checkModel(folder.path);
    const std::string text = all(lines);
    CHECK(lines.size() == 4);
    CHECK(says(text, "transformer: blocks.1.attn2.norm_q.weight [24] is missing"));
    CHECK(says(text, "transformer: proj_out.bias is [3], [16] was expected"));
    CHECK(says(text, "transformer: surplus is unexpected"));
    CHECK(says(text, "vae: quant_conv.bias"));
    const std::string refused = refusal(folder.path);
    CHECK(says(refused, "norm_q"));
    CHECK(says(refused, "quant_conv.bias"));
}

TEST_CASE("a folder without its tokenizer is not complete", "[model]") {
    const TinyFolder folder;
    folder.text("tokenizer/spiece.model", "");
    CHECK(says(all(checkModel(folder.path)), "spiece.model is empty"));
    std::filesystem::remove(folder.path / "tokenizer/spiece.model");
    CHECK(says(all(checkModel(folder.path)), "spiece.model is missing"));
}

TEST_CASE("a VAE whose latents do not hold four frames is refused", "[model]") {
    const TinyFolder folder;
    folder.text("vae/config.json",
                R"({"base_dim": 8, "z_dim": 4, "dim_mult": [1, 2, 2], "num_res_blocks": 1,
            "temperal_downsample": [false, true], "latents_mean": [0, 0, 0, 0],
            "latents_std": [1, 1, 1, 1], "scale_factor_spatial": 4, "scale_factor_temporal": 2})");
    CHECK(says(refusal(folder.path), "latents of 2 frames"));
}

TEST_CASE("parts that do not belong together are refused, all at once", "[model]") {
    const TinyFolder folder;
    folder.text("transformer/config.json",
                R"({"num_attention_heads": 2, "attention_head_dim": 12, "in_channels": 5,
                    "out_channels": 5, "text_dim": 17, "ffn_dim": 32, "num_layers": 2,
                    "vace_layers": [0], "vace_in_channels": 23, "patch_size": [2, 2, 2]})");
    const std::string text = refusal(folder.path);
    for (const char* part :
         {"in_channels (z", "out_channels", "vace_in_channels", "text_dim", "patch_size"})
        CHECK(says(text, part));
    CHECK(says(text, "transformer/config.json"));

    // a broken file of each part: none hides another
    folder.text("vae/config.json", "{");
    folder.text("text_encoder/config.json", R"({"d_model": "wide"})");
    std::filesystem::remove(folder.weightsFile("transformer"));
    folder.text("scheduler/scheduler_config.json", R"({"prediction_type": "epsilon"})");
    const std::string broken = refusal(folder.path);
    for (const char* part : {"vae/config.json", "d_model", "no .safetensors file", "epsilon"})
        CHECK(says(broken, part));
    folder.text("model_index.json", R"({"_class_name": "StableDiffusionPipeline"})");
    CHECK(says(refusal(folder.path), "WanVACEPipeline"));
}

TEST_CASE("a loaded model runs from prompt and plate to picture", "[model]") {
    const TinyFolder folder;
    const auto model = loadVideoModel(folder.path, {});
    const TokenIds ids{5, 7, 9, 1};
    const at::Tensor prompt = model->encodePrompts({ids}, {}).front();
    REQUIRE(prompt.sizes() == at::IntArrayRef({1, 512, 16}));
    CHECK(prompt.narrow(1, 4, 508).abs().max().item<float>() == 0);
    CHECK(prompt.narrow(1, 0, 4).abs().min().item<float>() > 0);
    // Beside others the same, in the order asked for.
    const std::vector<at::Tensor> three = model->encodePrompts({{3, 1}, ids, {8, 2, 6, 4, 1}}, {});
    REQUIRE(three.size() == 3);
    CHECK(at::equal(three[1], prompt));
    CHECK(at::equal(three[0], model->encodePrompts({{3, 1}}, {}).front()));
    CHECK(three[2].narrow(1, 4, 1).abs().min().item<float>() > 0);
    CHECK(model->encodePrompts({}, {}).empty());
    // A large encoder takes its time: it says how far it is, and can be stopped.
    std::vector<double> told;
    model->encodePrompts({ids, {3, 1}},
                         [&](double done, double total) { told.push_back(done / total); });
    CHECK(told == std::vector<double>{0.5, 1});  // two blocks
    const Tick stop = [](double, double) { throw std::runtime_error("stop"); };
    CHECK_THROWS_WITH(model->encodePrompts({ids}, stop), "stop");
    CHECK_THROWS_AS(model->encodePrompts({ids, {}}, {}), Error);
    CHECK_THROWS_AS(model->encodePrompts({TokenIds(513, 1)}, {}), Error);

    ConditioningInput input;
    input.video = at::rand({1, 3, 9, 16, 24}) * 2 - 1;
    input.mask = at::zeros({1, 1, 9, 16, 24});
    input.mask.narrow(2, 4, 5).narrow(3, 4, 8).fill_(1);
    input.references = {at::rand({1, 3, 1, 16, 24}) * 2 - 1};
    double last = 0;
    const at::Tensor conditioning =
        model->encodeConditioning(input, [&](double done, double total) { last = done / total; });
    REQUIRE(conditioning.sizes() == at::IntArrayRef({1, 24, 4, 4, 6}));
    CHECK(last == Approx(1));

    const at::Tensor noise = counterNoise(1, -1, 4, 4, 4, 6);
    const auto sampler = makeSampler("unipc", 3, 2.5);
    const auto run = [&](VideoModel& running) {
        SamplerState state;
        at::Tensor x = noise;
        while (state.step < 3) {
            const at::Tensor v =
                running.velocity({x, sampler->timesteps()[state.step], prompt, conditioning, 1.0});
            REQUIRE(v.sizes() == x.sizes());
            x = sampler->step(v, x, state);
        }
        return x;
    };
    const at::Tensor latents = run(*model);
    CHECK(latents.isfinite().all().item<bool>());
    model->release(VideoModel::Stage::Transformer);
    CHECK(at::equal(latents, run(*model)));
    CHECK(at::equal(latents, run(*loadVideoModel(folder.path, {}))));

    const at::Tensor video = model->decode(latents.narrow(2, 1, 3), [](double, double) {});
    REQUIRE(video.sizes() == at::IntArrayRef({1, 3, 9, 16, 24}));
    CHECK(video.scalar_type() == at::kFloat);
    CHECK(video.abs().max().item<float>() <= 1);

    // Nothing masked: the inactive latents are those of the whole video.
    input.mask.zero_();
    input.references.clear();
    const at::Tensor latent = model->encodeConditioning(input, {}).narrow(1, 0, 4);
    CHECK(at::equal(
        model->encode(input.video, [&](double done, double total) { last = done / total; }),
        latent));
    CHECK(last == Approx(1));
}

TEST_CASE("prompts are told apart by what they hold", "[model]") {
    const TinyFolder folder;
    const auto model = loadVideoModel(folder.path, {});
    const at::Tensor latents = at::randn({1, 4, 2, 4, 4}),
                     conditioning = at::randn({1, 24, 2, 4, 4});
    const auto velocity = [&](const at::Tensor& prompt, double control = 1) {
        return model->velocity({latents, 500, prompt, conditioning, control});
    };
    at::Tensor prompt = at::randn({1, 12, 16});
    const at::Tensor first = velocity(prompt);
    CHECK(at::equal(first, velocity(prompt.clone())));
    prompt.mul_(2);  // the same tensor with another content is another prompt
    CHECK_FALSE(at::equal(first, velocity(prompt)));
    for (int i = 0; i < 10; ++i) velocity(at::randn({1, 12, 16}));
    CHECK(at::equal(first, velocity(prompt / 2)));
    CHECK_FALSE(at::equal(first, velocity(prompt / 2, 0.5)));
}

TEST_CASE("half precision stays near float32", "[model]") {
    const TinyFolder folder;
    const at::Tensor latents = at::randn({1, 4, 2, 4, 4}),
                     conditioning = at::randn({1, 24, 2, 4, 4}), prompt = at::randn({1, 12, 16});
    const auto velocity = [&](const std::string& dtype) {
        return loadVideoModel(folder.path, {at::kCPU, dtype})
            ->velocity({latents, 500, prompt, conditioning, 1.0});
    };
    const at::Tensor exact = velocity("float32");
    CHECK(at::equal(exact, velocity("auto")));
    for (const auto& [dtype, limit] : {std::pair("bfloat16", 0.05), {"float16", 0.01}}) {
        INFO(dtype);
        CHECK(((velocity(dtype) - exact).norm() / exact.norm()).item<double>() < limit);
    }
    CHECK_THROWS_AS(loadVideoModel(folder.path, {at::kCPU, "int8"}), Error);
}

TEST_CASE("models are found by folder, by search path, and listed", "[model]") {
    const TinyFolder folder;
    const auto parent = folder.path.parent_path();
    const std::string name = folder.path.filename().string();
    CHECK(findModel(folder.path.string(), "/") == folder.path);
    CHECK(findModel(name, parent) == folder.path);
    CHECK_THROWS_AS(findModel(name, "/"), Error);
    REQUIRE(::setenv("DERRUMBE_MODEL_PATH", ("/nowhere:" + parent.string()).c_str(), 1) == 0);
    CHECK(findModel(name, "/") == folder.path);
    const auto listed = listModels({});
    CHECK(std::count(listed.begin(), listed.end(), folder.path) == 1);
    ::unsetenv("DERRUMBE_MODEL_PATH");
    CHECK(listModels({folder.path}) == std::vector{folder.path});
    CHECK_THROWS_AS(listModels({"/nowhere"}), Error);
    try {
        findModel("no-such-model", "/base");
        FAIL("nothing was thrown");
    } catch (const Error& error) {
        CHECK(error.code() == ExitCode::Model);
        CHECK(says(error.what(), "/base/no-such-model"));
        CHECK(says(error.what(), "models/no-such-model"));
    }
}
