#include <catch2/catch.hpp>

#include "../tiny_folder.h"
#include "fixture.h"
#include "model/video_model.h"
#include "model/wan/lora_names.h"
#include "model/wan/transformer.h"
#include "model/weights/lora.h"
#include "support/strings.h"

using namespace derrumbe;
using namespace derrumbe::model;

namespace {

const std::filesystem::path kFixtures = DERRUMBE_TEST_DATA;

std::filesystem::path loraFile(const std::string& name) {
    return kFixtures / "lora_0" / (name + ".safetensors");
}

/// One evaluation of transformer_0 with LoRAs, on its own inputs.
at::Tensor evaluate(const std::vector<LoraFile>& loras, at::ScalarType dtype = at::kFloat) {
    const Fixture base(kFixtures / "transformer_0");
    const Weights weights(mergeLoras(base.tensors, loras, originalWanName), testDevice(), dtype);
    const WanTransformer transformer(weights, TransformerConfig::read(base.config));
    weights.throwIfProblems();
    const at::Tensor scale = base.value("control_hidden_states_scale").to(at::kDouble);
    const std::vector<double> scales(scale.const_data_ptr<double>(),
                                     scale.const_data_ptr<double>() + scale.numel());
    return transformer(base.value("hidden_states"),
                       base.value("timestep").to(at::kDouble).item<double>(),
                       transformer.prepareText(base.value("encoder_hidden_states")),
                       base.value("control_hidden_states"), scales);
}

}  // namespace

TEST_CASE("every style of LoRA gives what diffusers gives", "[lora][parity][device]") {
    const auto expected = openSafetensors(kFixtures / "lora_0/io.safetensors");
    for (const char* name : {"peft", "bare", "kohya", "wan", "wide", "wide_wan", "diff"}) {
        INFO(name);
        CHECK(largestDifference(evaluate({{loraFile(name), 1}}), expected->read(name),
                                cat("LoRA ", name)) <= tolerance().part);
    }
}

TEST_CASE("the styles of one LoRA are the same LoRA", "[lora]") {
    const at::Tensor peft = evaluate({{loraFile("peft"), 1}});
    CHECK(largestDifference(peft, evaluate({{loraFile("kohya"), 1}})) == 0);
    CHECK(largestDifference(peft, evaluate({{loraFile("wan"), 1}})) == 0);
    CHECK(largestDifference(evaluate({{loraFile("wide"), 1}}),
                            evaluate({{loraFile("wide_wan"), 1}})) == 0);
}

TEST_CASE("LoRAs add up with their strengths", "[lora][parity][device]") {
    const auto expected = openSafetensors(kFixtures / "lora_0/io.safetensors");
    const at::Tensor two = evaluate({{loraFile("peft"), 0.7}, {loraFile("wide"), -0.4}});
    CHECK(largestDifference(two, expected->read("two"), "two LoRAs") <= tolerance().part);
    const at::Tensor plain = evaluate({});
    CHECK(largestDifference(evaluate({{loraFile("peft"), 0}}), plain) == 0);
    const at::Tensor undone = evaluate({{loraFile("peft"), 1}, {loraFile("kohya"), -1}});
    CHECK(largestDifference(undone, plain) < 1e-5);
}

TEST_CASE("a LoRA is merged in float32, whatever the model computes in", "[lora]") {
    // Its first half and its second half, each too small for bfloat16's eight bits beside the
    // weight, are not lost on the way: they are added before the weight is rounded.
    const at::Tensor whole = evaluate({{loraFile("peft"), 1}}, at::kBFloat16);
    std::vector<LoraFile> parts(64, {loraFile("peft"), 1.0 / 64});
    const at::Tensor summed = evaluate(parts, at::kBFloat16);
    CHECK(((whole - summed).norm() / whole.norm()).item<double>() < 0.01);
}

TEST_CASE("Wan's names of modules", "[lora]") {
    CHECK(originalWanName("blocks.12.attn1.to_out.0") == "blocks.12.self_attn.o");
    CHECK(originalWanName("vace_blocks.3.attn2.norm_k") == "vace_blocks.3.cross_attn.norm_k");
    CHECK(originalWanName("blocks.0.norm2") == "blocks.0.norm3");
    CHECK(originalWanName("blocks.3.attn2.add_k_proj") == "blocks.3.cross_attn.k_img");
    CHECK(originalWanName("blocks.3.attn2.norm_added_k") == "blocks.3.cross_attn.norm_k_img");
    CHECK(originalWanName("condition_embedder.image_embedder.ff.net.2") == "img_emb.proj.3");
    CHECK(originalWanName("vace_blocks.0.proj_in") == "vace_blocks.0.before_proj");
    CHECK(originalWanName("vace_blocks.7.proj_out") == "vace_blocks.7.after_proj");
    CHECK(originalWanName("proj_out") == "head.head");
    CHECK(originalWanName("scale_shift_table") == "head.modulation");
    CHECK(originalWanName("blocks.1.scale_shift_table") == "blocks.1.modulation");
    CHECK(originalWanName("patch_embedding").empty());
    CHECK(originalWanName("blocks.0").empty());
}

TEST_CASE("LoRAs reach what an image is seen through, under every style of names", "[lora]") {
    at::manual_seed(11);
    const at::Tensor down = at::randn({2, 24}), up = at::randn({24, 2}),
                     shown = at::randn({1, 13, 2, 4, 6}), image = at::randn({1, 17, 32});
    const std::filesystem::path file =
        std::filesystem::temp_directory_path() / "derrumbe_image_lora.safetensors";
    const auto velocity = [&](const LoadOptions& options) {
        return loadVideoModel(kFixtures / "image_to_video_1", options)
            ->velocity({shown.narrow(1, 0, 4), 500, at::ones({1, 3, 16}), shown, 1, {}, {}, image});
    };
    const auto with = [&](const std::string& a, const std::string& b) {
        writeSafetensors(file, {{a, down}, {b, up}});
        return velocity({at::kCPU, "float32", {{file, 1}}});
    };
    const at::Tensor peft = with("transformer.blocks.1.attn2.add_v_proj.lora_A.weight",
                                 "transformer.blocks.1.attn2.add_v_proj.lora_B.weight");
    CHECK((peft - velocity({at::kCPU, "float32"})).abs().max().item<float>() > 1e-3);
    CHECK(at::equal(peft, with("diffusion_model.blocks.1.cross_attn.v_img.lora_A.weight",
                               "diffusion_model.blocks.1.cross_attn.v_img.lora_B.weight")));
    CHECK(at::equal(peft, with("lora_unet_blocks_1_cross_attn_v_img.lora_down.weight",
                               "lora_unet_blocks_1_cross_attn_v_img.lora_up.weight")));
    std::filesystem::remove(file);
}

TEST_CASE("a model opens with its LoRAs, or says what is wrong with both", "[lora]") {
    const TinyFolder folder;
    const auto lora = folder.path / "lora.safetensors";
    writeSafetensors(lora, {{"transformer.blocks.0.attn1.to_v.lora_A.weight", at::ones({2, 24})},
                            {"transformer.blocks.0.attn1.to_v.lora_B.weight", at::ones({24, 2})}});
    LoadOptions options;
    options.loras = {{lora, 0.5}};
    const auto velocity = [&](const LoadOptions& with) {
        return loadVideoModel(folder.path, with)
            ->velocity({at::ones({1, 4, 2, 4, 4}), 500, at::ones({1, 3, 16}),
                        at::ones({1, 24, 2, 4, 4}), 1});
    };
    CHECK(largestDifference(velocity(options), velocity({})) > 1e-4);

    writeSafetensors(lora, {{"transformer.blocks.9.attn1.to_q.lora_A.weight", at::ones({2, 24})}});
    options.loras.push_back({folder.path / "none.safetensors", 1});
    try {
        loadVideoModel(folder.path, options);
        FAIL("opened");
    } catch (const Error& error) {
        CHECK(error.code() == ExitCode::Model);
        CHECK(error.problems().size() == 2);
        CHECK(error.problems()[0].place.file == lora.string());
        CHECK(error.problems()[1].place.file == options.loras[1].path.string());
    }
}
