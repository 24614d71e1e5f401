// Pairs of experts (Wan2.2): which one works when, what folders may hold them.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <set>

#include "model/video_model.h"
#include "model/wan/expert_names.h"
#include "model/wan/transformer.h"
#include "model/wan/wan_folder.h"
#include "model_copy.h"

using namespace derrumbe;
using namespace derrumbe::model;
namespace fs = std::filesystem;

namespace {

const fs::path kFixtures = DERRUMBE_TEST_DATA;
const fs::path kPair = kFixtures / "pipeline_3";  // its boundary is 0.8

/// What goes into one evaluation of the pair.
struct Sample {
    at::Tensor latents, prompt, conditioning;
    Sample() {
        at::manual_seed(3);
        latents = at::randn({1, 4, 2, 4, 4});
        prompt = at::randn({1, 24, 16});
        conditioning = at::randn({1, 72, 2, 4, 4});
    }
    at::Tensor by(VideoModel& model, double timestep) const {
        return model.velocity({latents, timestep, prompt, conditioning, 1.0});
    }
    /// By the transformer of one of the folder's parts, alone.
    at::Tensor by(const std::string& part, double timestep) const {
        const Weights weights(openSafetensors(kPair / part), at::kCPU, at::kFloat);
        const WanTransformer transformer(
            weights, TransformerConfig::read(Config::read(kPair / part / "config.json")));
        weights.throwIfProblems();
        const std::vector<double> scales(1, 1.0);
        return transformer(latents, timestep, transformer.prepareText(prompt), conditioning,
                           scales);
    }
};

/// ComfyUI's files of one model, its transformer there twice under two names: the second one's
/// output is doubled.
void writePair(const ModelCopy& copy, const std::string& high, const std::string& low) {
    const fs::path file = copy.path / "diffusion_pytorch_model.safetensors";
    Tensors second = read(file);
    for (auto& [name, tensor] : second)
        if (name.find("head.head") != std::string::npos) tensor = tensor * 2;
    fs::rename(file, copy.path / high);
    writeSafetensors(copy.path / low, second);
}

}  // namespace

TEST_CASE("each expert works on its side of the boundary", "[experts]") {
    const Sample sample;
    const auto model = loadVideoModel(kPair, {at::kCPU, "float32"});
    CHECK(model->description().boundary == 0.8);
    for (const double timestep : {999.0, 800.0, 799.0, 1.0, 900.0}) {
        INFO(timestep);
        const bool low = timestep < 800;
        const at::Tensor made = sample.by(*model, timestep);
        CHECK(at::equal(made, sample.by(low ? "transformer_2" : "transformer", timestep)));
        CHECK_FALSE(at::allclose(made, sample.by(low ? "transformer" : "transformer_2", timestep)));
    }
}

TEST_CASE("a pair is described as one model", "[experts]") {
    const Description pair = describeModel(kPair);
    CHECK(pair.transformerParameters > 0);
    CHECK(pair.secondTransformerParameters == pair.transformerParameters);
    CHECK(pair.parameters ==
          2 * pair.transformerParameters + pair.vaeParameters + pair.textParameters);
    std::map<std::string, int> parts;
    for (const auto& file : pair.files) ++parts[file.part];
    CHECK(parts["transformer"] == 1);
    CHECK(parts["transformer_2"] == 1);
    // Both count as bytes of weights, one as memory.
    Description single = pair;
    single.secondTransformerParameters = 0;
    const Estimate two = estimate(pair, 5, 32, 32, 0, 4), one = estimate(single, 5, 32, 32, 0, 4);
    CHECK(two.weightBytes - one.weightBytes == 4.0 * pair.transformerParameters);
    CHECK(two.peakBytes == one.peakBytes);

    const ModelCopy copy(kPair);
    copy.text("derrumbe.json", R"({"sampler": {"guidance": 4, "guidance_2": 3, "boundary": 0.9}})");
    CHECK(describeModel(copy.path).sampler.guidance2 == 3.0);
    CHECK(describeModel(copy.path).boundary == 0.9);
    const ModelCopy alone(kFixtures / "pipeline_1");
    alone.text("derrumbe.json", R"({"sampler": {"guidance_2": 3}})");
    CHECK(says(problems(alone.path), "belongs to a pair of experts"));
}

TEST_CASE("what is wrong with a pair is said of the expert that has it", "[experts]") {
    CHECK(problems(kPair) == "");
    const ModelCopy copy(kPair);
    const fs::path file = copy.path / "transformer_2/diffusion_pytorch_model.safetensors";
    Tensors tensors = read(file);
    tensors.erase("proj_out.bias");
    writeSafetensors(file, tensors);
    CHECK(problems(copy.path) == "transformer_2: proj_out.bias [16] is missing\n");
    fs::remove(file);
    CHECK(says(problems(copy.path), "transformer_2"));

    const std::string index = R"({"_class_name": "WanVACEPipeline", "transformer_2": )";
    copy.text("model_index.json", index + R"(["diffusers", "WanVACETransformer3DModel"]})");
    CHECK(says(problems(copy.path), "boundary_ratio: must say where transformer_2 takes over"));
    copy.text("model_index.json", index + R"([null, null], "boundary_ratio": 0.5})");
    CHECK(says(problems(copy.path), "no transformer_2 is named"));
    // diffusers runs the first alone where there is neither.
    copy.text("model_index.json", index + R"([null, null], "boundary_ratio": null})");
    CHECK(problems(copy.path) == "");
    CHECK(describeModel(copy.path).boundary == 0);
}

TEST_CASE("a LoRA may be for one expert", "[experts][lora]") {
    const ModelCopy copy(kPair);
    const fs::path file = copy.path / "own.safetensors";
    writeSafetensors(file, {{"transformer.proj_out.lora_A.weight", at::ones({2, 24})},
                            {"transformer.proj_out.lora_B.weight", at::ones({16, 2})}});
    const Sample sample;
    const auto changes = [&](Experts experts) {
        LoadOptions options{at::kCPU, "float32", {{file, 1.0, experts}}};
        const auto with = loadVideoModel(kPair, options), without = loadVideoModel(kPair, {});
        std::string text;
        if (!at::equal(sample.by(*with, 900), sample.by(*without, 900))) text += "high ";
        if (!at::equal(sample.by(*with, 100), sample.by(*without, 100))) text += "low ";
        return text;
    };
    CHECK(changes(Experts::Both) == "high low ");
    CHECK(changes(Experts::High) == "high ");
    CHECK(changes(Experts::Low) == "low ");
    // What is wrong with a LoRA for both experts is said once, and everything that is.
    writeSafetensors(copy.path / "other.safetensors",
                     {{"transformer.nothing.lora_A.weight", at::ones({2, 24})},
                      {"transformer.nothing.lora_B.weight", at::ones({16, 2})}});
    LoadOptions broken{at::kCPU,
                       "float32",
                       {{copy.path / "other.safetensors"},
                        {copy.path / "none.safetensors", 1.0, Experts::Low},
                        {copy.path / "none.safetensors", 1.0, Experts::High}}};
    try {
        loadVideoModel(kPair, broken);
        FAIL("broken LoRAs were merged");
    } catch (const Error& error) {
        std::set<std::string> texts;
        for (const Problem& problem : error.problems()) texts.insert(problem.text());
        CHECK(texts.size() == error.problems().size());
        CHECK_THAT(error.what(), Catch::Contains("other.safetensors"));
        CHECK_THAT(error.what(), Catch::Contains("none.safetensors"));
    }
    LoadOptions single{at::kCPU, "float32", {{file, 1.0, Experts::High}}};
    CHECK_THROWS_WITH(loadVideoModel(kFixtures / "pipeline_1", single),
                      Catch::Contains("this model has one transformer"));
}

TEST_CASE("words of a path tell a pair's files apart", "[experts][layouts]") {
    for (const char* path : {"high_noise_model/diffusion_pytorch_model-00001-of-00006.safetensors",
                             "wan2.2_fun_vace_high_noise_14B_fp16.safetensors",
                             "Wan2_2_Fun_VACE_module_A14B_HIGH_bf16.safetensors",
                             "HighNoise/Wan2.2-VACE-Fun-A14B-high-noise-Q4_K_M.gguf"}) {
        INFO(path);
        CHECK(expertNoise(path) == ExpertNoise::High);
        std::string low = path;
        for (const auto& [from, to] : {std::pair{"high", "low"}, {"High", "Low"}, {"HIGH", "LOW"}})
            for (size_t at = low.find(from); at != std::string::npos; at = low.find(from))
                low.replace(at, 4, to);
        CHECK(expertNoise(low) == ExpertNoise::Low);
    }
    for (const char* path : {"wan_flow_2.safetensors", "slow.safetensors", "highway/x.safetensors",
                             "high/low.safetensors", "model.safetensors", ""}) {
        INFO(path);
        CHECK(expertNoise(path) == ExpertNoise::Unknown);
    }
}

TEST_CASE("two single files are a pair by their names", "[experts][layouts]") {
    const ModelCopy copy(kFixtures / "layouts_0/comfy");
    writePair(copy, "wan_HIGH_fp16.safetensors", "wan_LOW_fp16.safetensors");
    CHECK(problems(copy.path) == "");
    const Description pair = describeModel(copy.path);
    CHECK(pair.boundary == 0.875);
    std::map<std::string, std::string> parts;
    for (const auto& file : pair.files)
        if (file.role == "weights") parts[file.part] = fs::path(file.path).filename().string();
    CHECK(parts["transformer"] == "wan_HIGH_fp16.safetensors");
    CHECK(parts["transformer_2"] == "wan_LOW_fp16.safetensors");
    at::manual_seed(4);
    const at::Tensor latents = at::randn({1, 16, 2, 4, 4}), control = at::randn({1, 96, 2, 4, 4});
    const auto model = loadVideoModel(copy.path, {});
    const auto one = loadVideoModel(kFixtures / "layouts_0/comfy", {});
    const at::Tensor prompt = one->encodePrompts({{5, 7, 1}}, {}).front();
    const auto by = [&](VideoModel& of, double timestep) {
        return of.velocity({latents, timestep, prompt, control, 1.0});
    };
    CHECK(at::equal(by(*model, 875), by(*one, 875)));
    CHECK(at::allclose(by(*model, 874), 2 * by(*one, 874), 1e-4, 1e-4));

    // A third one, or names that say nothing, are no pair.
    fs::copy(copy.path / "wan_LOW_fp16.safetensors", copy.path / "wan_low_bf16.safetensors");
    CHECK(says(problems(copy.path), "3 files hold a transformer; keep one, or a pair of experts"));
    fs::remove(copy.path / "wan_LOW_fp16.safetensors");
    fs::rename(copy.path / "wan_low_bf16.safetensors", copy.path / "other.safetensors");
    CHECK(says(problems(copy.path), "2 files hold a transformer"));
}

TEST_CASE("a pair without VACE layers takes two modules", "[experts][layouts]") {
    const ModelCopy copy(kFixtures / "layouts_0/comfy");
    writePair(copy, "high.safetensors", "low.safetensors");
    for (const std::string noise : {"high", "low"}) {
        Tensors base, module;
        for (auto& [name, tensor] : read(copy.path / (noise + ".safetensors")))
            (name.find("vace_") == std::string::npos ? base : module)[name] = tensor;
        writeSafetensors(copy.path / (noise + ".safetensors"), base);
        writeSafetensors(copy.path / (noise + "_module.safetensors"), module);
    }
    // Heads of 16 channels cannot be told from shapes: said of both, whose modules were found.
    std::string text = problems(copy.path);
    CHECK(says(text, "high.safetensors"));
    CHECK(says(text, "low.safetensors"));
    CHECK(text.find("VACE module") == std::string::npos);
    fs::rename(copy.path / "low_module.safetensors", copy.path / "module.safetensors");
    CHECK(says(problems(copy.path), "takes two VACE modules"));
    // Without any they are a text-to-video pair.
    fs::remove(copy.path / "high_module.safetensors");
    fs::remove(copy.path / "module.safetensors");
    CHECK(problems(copy.path) == "");
    const Description pair = describeModel(copy.path);
    CHECK(pair.heldByNoise);
    CHECK(pair.boundary == 0.875);
    CHECK(pair.vaceLayers == 0);
}
