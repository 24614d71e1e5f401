// Ways of working in less memory that change no bit of the result.
#include <catch2/catch.hpp>

#include "../fixture_folders.h"
#include "../test_device.h"
#include "../tiny_folder.h"
#include "model/video_model.h"

using namespace derrumbe;
using namespace derrumbe::model;

namespace {

/// Every way through a model once: prompt, conditioning, two evaluations at different timesteps
/// with two prompts, decoding.
std::vector<at::Tensor> results(const std::filesystem::path& folder, const LoadOptions& options) {
    const auto model = loadVideoModel(folder, options);
    const Description& about = model->description();
    at::manual_seed(5);
    const int64_t side = 4L * about.sizeMultiple, latent = side / about.spatialScale;
    const std::vector<at::Tensor> prompts = model->encodePrompts({{5, 7, 9, 1}, {3, 1}}, {});
    ConditioningInput input;
    input.video = at::rand({1, 3, 9, side, side}) * 2 - 1;
    input.mask = (at::rand({1, 1, 9, side, side}) > 0.5).to(at::kFloat);
    const at::Tensor conditioning = model->encodeConditioning(input, {});
    const at::Tensor image = model->encodeImage(input.video);
    model->release(VideoModel::Stage::ImageEncoder);
    const at::Tensor noise = at::randn({1, about.latentChannels, 3, latent, latent});
    const auto velocity = [&](double timestep) {
        return model->velocity({noise, timestep, at::cat(prompts), conditioning, 1, {}, {}, image});
    };
    std::vector<at::Tensor> all{prompts[0], prompts[1], conditioning, velocity(900), velocity(300)};
    model->release(VideoModel::Stage::Transformer);
    all.push_back(model->decode(noise, {}));
    all.push_back(velocity(300));
    return all;
}

void checkSame(const std::filesystem::path& folder, LoadOptions options) {
    const std::vector<at::Tensor> whole = results(folder, options);
    for (const MemoryWays& ways :
         {MemoryWays{0, 0, 0}, {1, 0, 0}, {2, 0, 0}, {-1, 0, 0, true}, {1, 0, 0, true}}) {
        CAPTURE(ways.transformerBlocks, ways.transformerPacked);
        options.ways = ways;
        const std::vector<at::Tensor> tight = results(folder, options);
        REQUIRE(tight.size() == whole.size());
        for (size_t i = 0; i < whole.size(); ++i) {
            CAPTURE(i);
            CHECK(at::equal(tight[i], whole[i]));
        }
    }
}

}  // namespace

TEST_CASE("a model gives the same bits whatever stays in memory", "[memory][device]") {
    for (const char* name : {"pipeline_0", "pipeline_1"}) {
        for (const char* dtype : {"float32", "bfloat16"}) {
            CAPTURE(name, dtype);
            checkSame(std::filesystem::path(DERRUMBE_TEST_DATA) / name, {testDevice(), dtype});
        }
    }
}

TEST_CASE("LoRAs are merged into blocks that are read at their turns", "[memory]") {
    const TinyFolder folder;
    const auto lora = folder.path / "lora.safetensors";
    std::map<std::string, at::Tensor> tensors;
    for (const char* block : {"blocks.0", "blocks.1", "vace_blocks.0"}) {
        const std::string module = std::string("transformer.") + block + ".attn1.to_v.lora_";
        tensors[module + "A.weight"] = at::randn({2, 24});
        tensors[module + "B.weight"] = at::randn({24, 2});
    }
    writeSafetensors(lora, tensors);
    LoadOptions with{at::kCPU, "float32", {{lora, 0.5}}};
    checkSame(folder.path, with);
    with.ways.transformerBlocks = 0;
    CHECK_FALSE(at::equal(results(folder.path, with)[3], results(folder.path, {})[3]));
}

TEST_CASE("weights rounded to 8 bits are near, whichever of them stay in memory", "[memory]") {
    const std::filesystem::path folder = std::filesystem::path(DERRUMBE_TEST_DATA) / "pipeline_1";
    const std::vector<at::Tensor> whole = results(folder, {testDevice(), "float32"});
    for (const Rounding rounding : {Rounding::Int8, Rounding::Fp8}) {
        LoadOptions options{testDevice(), "float32"};
        options.ways.rounding = rounding;
        const std::vector<at::Tensor> near = results(folder, options);
        for (size_t i = 0; i < whole.size(); ++i) {
            CAPTURE(i);
            const bool velocity = i == 3 || i == 4 || i == 6;
            CHECK(at::equal(near[i], whole[i]) == !velocity);
            CHECK((near[i] - whole[i]).norm().item<double>() <
                  0.1 * whole[i].norm().item<double>());
        }
        options.ways.transformerBlocks = 1;
        CHECK(at::equal(results(folder, options)[3], near[3]));
    }
}

TEST_CASE("products in 8 bits are near, whichever of the weights stay in memory",
          "[memory][bytes][device]") {
    // Units for 8 bits take multiples of 16 numbers.
    const TinyFolder folder(16);
    for (const Rounding kind : {Rounding::Fp8, Rounding::Int8})
        for (const char* dtype : {"float32", "bfloat16"}) {
            LoadOptions options{testDevice(), dtype};
            const std::vector<at::Tensor> whole = results(folder.path, options);
            options.ways.rounding = kind;
            const std::vector<at::Tensor> weights = results(folder.path, options);
            options.ways.products = kind;
            const std::vector<at::Tensor> near = results(folder.path, options);
            const std::string name = kind == Rounding::Int8 ? "int8" : "fp8";
            for (size_t i = 0; i < whole.size(); ++i) {
                CAPTURE(i, dtype, name);
                const bool velocity = i == 3 || i == 4 || i == 6;
                CHECK(at::equal(near[i], weights[i]) == !velocity);
                const double error =
                    (near[i] - whole[i]).norm().item<double>() / whole[i].norm().item<double>();
                CHECK(error < (kind == Rounding::Int8 ? 0.03 : 0.06));
                if (velocity && std::getenv("DERRUMBE_PRINT_ERRORS") != nullptr)
                    WARN("products in " << name << ": relative error " << error << " on "
                                        << testDevice());
            }
            options.ways.transformerBlocks = 1;
            CHECK(at::equal(results(folder.path, options)[3], near[3]));
        }
}

TEST_CASE("pairs of experts, single files and quantised ones are read in blocks too", "[memory]") {
    for (const char* name : {"pipeline_3", "image_to_video_0", "image_to_video_1",
                             "layouts_0/comfy_fp8", "layouts_0/gguf"}) {
        CAPTURE(name);
        checkSame(std::filesystem::path(DERRUMBE_TEST_DATA) / name, {at::kCPU, "float32"});
    }
}
