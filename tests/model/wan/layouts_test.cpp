// One model in every layout that studios download (scripts/parity/fixtures_layouts.py).
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "model/video_model.h"
#include "model/wan/wan_folder.h"
#include "model_copy.h"

using namespace derrumbe;
using namespace derrumbe::model;
namespace fs = std::filesystem;

namespace {

const fs::path kLayouts = fs::path(DERRUMBE_TEST_DATA) / "layouts_0";

/// All tensors under diffusers' names, in float32.
Tensors tensorsOf(const WanFolder& folder) {
    Tensors all;
    for (const auto& source : {folder.transformerTensors, folder.vaeTensors, folder.textTensors})
        for (const auto& item : source->tensors())
            all[item.first] = source->read(item.first).to(at::kFloat);
    return all;
}

/// Differences of two models' tensors, by name; empty where they are the same to the bit.
std::string differences(const Tensors& a, const Tensors& b) {
    std::string text;
    for (const auto& [name, tensor] : a) {
        const auto found = b.find(name);
        if (found == b.end())
            text += name + " is missing; ";
        else if (!at::equal(tensor, found->second))
            text += name + " differs; ";
    }
    for (const auto& item : b)
        if (a.count(item.first) == 0) text += item.first + " is new; ";
    return text;
}

}  // namespace

TEST_CASE("every layout holds the same tensors, to the bit", "[layouts]") {
    const Tensors expected = tensorsOf(readWanFolder(kLayouts / "diffusers"));
    CHECK(expected.size() > 300);
    for (const char* layout : {"original", "comfy", "comfy_fp8"}) {
        INFO(layout);
        CHECK(problems(kLayouts / layout) == "");
        const WanFolder folder = readWanFolder(kLayouts / layout);
        CHECK(differences(expected, tensorsOf(folder)) == "");
        CHECK(folder.description.parameters ==
              readWanFolder(kLayouts / "diffusers").description.parameters);
    }
}

TEST_CASE("GGUF files hold what the gguf package reads from them", "[layouts][gguf]") {
    Tensors expected = tensorsOf(readWanFolder(kLayouts / "diffusers"));
    Tensors dequantised = read(kLayouts.parent_path() / "layouts_expected_0/gguf.safetensors");
    dequantised.erase("spiece_model");
    CHECK(dequantised.size() > 25);
    for (const auto& [name, tensor] : dequantised) {
        REQUIRE(expected.count(name) == 1);
        expected[name] = tensor;
    }
    CHECK(problems(kLayouts / "gguf") == "");
    CHECK(differences(expected, tensorsOf(readWanFolder(kLayouts / "gguf"))) == "");
}

TEST_CASE("every layout gives the same pixels", "[layouts]") {
    at::manual_seed(1);
    const at::Tensor latents = at::randn({1, 16, 2, 4, 4}), control = at::randn({1, 96, 2, 4, 4});
    const auto run = [&](const char* layout) {
        const auto model = loadVideoModel(kLayouts / layout, {});
        const at::Tensor prompt = model->encodePrompts({{5, 7, 9, 1}}, {}).front();
        const at::Tensor v = model->velocity({latents, 500, prompt, control, 1.0});
        return model->decode(latents - 0.5 * v, {});
    };
    const at::Tensor expected = run("diffusers");
    REQUIRE(expected.sizes() == at::IntArrayRef({1, 3, 5, 32, 32}));
    for (const char* layout : {"original", "comfy", "comfy_fp8"}) {
        INFO(layout);
        CHECK(at::equal(run(layout), expected));
    }
    const at::Tensor quantised = run("gguf");
    CHECK(quantised.isfinite().all().item<bool>());
    CHECK_FALSE(at::equal(quantised, expected));
}

namespace {

const fs::path kImageLayouts = kLayouts.parent_path() / "image_layouts_0";

/// The image-to-video model in diffusers' layout.
ModelCopy imageFolder() {
    ModelCopy copy(kLayouts / "diffusers");
    for (const char* part : {"transformer", "image_encoder"}) {
        fs::remove_all(copy.path / part);
        fs::copy(kImageLayouts / "diffusers" / part, copy.path / part);
    }
    return copy;
}

/// The same as single files, with one of the vision tower's files.
ModelCopy imageFiles(const std::string& clip) {
    ModelCopy copy(kLayouts / "original");
    for (const char* file : {"diffusion_pytorch_model.safetensors", "config.json"})
        fs::remove(copy.path / file);
    fs::copy(kImageLayouts / "wan.safetensors", copy.path / "wan.safetensors");
    if (!clip.empty()) fs::copy(kImageLayouts / clip, copy.path / clip);
    copy.text("config.json", R"({"dim": 32, "num_heads": 2})");
    return copy;
}

/// A file that begins as torch.save's do.
void pickle(const fs::path& file) {
    std::ofstream(file, std::ios::binary) << "PK\x03\x04" << std::string(100, '\0');
}

}  // namespace

TEST_CASE("an image encoder in every layout gives the same pixels", "[layouts][image]") {
    at::manual_seed(2);
    const at::Tensor latents = at::randn({1, 16, 2, 4, 4}), shown = at::randn({1, 37, 2, 4, 4}),
                     video = at::rand({1, 3, 5, 32, 32}) * 2 - 1;
    const auto run = [&](const fs::path& folder) {
        const auto model = loadVideoModel(folder, {});
        const at::Tensor prompt = model->encodePrompts({{5, 7, 9, 1}}, {}).front();
        const at::Tensor v =
            model->velocity({latents, 500, prompt, shown, 1, {}, {}, model->encodeImage(video)});
        return model->decode(latents - 0.5 * v, {});
    };
    const ModelCopy whole = imageFolder();
    CHECK(problems(whole.path) == "");
    const at::Tensor expected = run(whole.path);
    for (const char* clip :
         {"clip_vision.safetensors", "clip_wan.safetensors", "clip_open.safetensors"}) {
        INFO(clip);
        const ModelCopy files = imageFiles(clip);
        CHECK(problems(files.path) == "");
        CHECK(at::equal(run(files.path), expected));
        const auto& listed = describeModel(files.path).files;
        CHECK(std::any_of(listed.begin(), listed.end(),
                          [](const auto& file) { return file.part == "image_encoder"; }));
    }
    // Its configuration beside it, and none of the transformer's.
    const ModelCopy other = imageFiles("");
    fs::create_directory(other.path / "clip");
    fs::copy(kImageLayouts / "clip_wan.safetensors", other.path / "clip/x.safetensors");
    fs::copy(kImageLayouts / "diffusers/image_encoder/config.json",
             other.path / "clip/config.json");
    CHECK(at::equal(run(other.path), expected));
}

TEST_CASE("what an image encoder lacks is told in its file's names", "[layouts][image]") {
    const ModelCopy none = imageFiles("");
    pickle(none.path / "models_clip.pth");
    std::string text = problems(none.path);
    CHECK(says(text, "no file here holds a CLIP image encoder"));
    CHECK(says(text, "models_clip.pth: a pickle"));
    CHECK(says(text, "pth_to_safetensors.py"));

    const ModelCopy two = imageFiles("clip_wan.safetensors");
    Tensors transformer = read(two.path / "wan.safetensors");
    transformer["img_emb.emb_pos"] = at::zeros({1, 34, 32});
    two.write("wan.safetensors", transformer);
    CHECK(says(problems(two.path), "a last frame too (Wan2.1-FLF2V)"));

    const ModelCopy folder = imageFolder();
    fs::remove_all(folder.path / "image_encoder");
    CHECK(says(problems(folder.path), "image_encoder"));

    for (const auto& [clip, lost, message] :
         {std::tuple{"clip_wan.safetensors", "visual.transformer.1.attn.to_qkv.weight",
                     "image_encoder: visual.transformer.1.attn.to_qkv.weight [32, 32] is missing"},
          {"clip_open.safetensors", "visual.ln_pre.bias",
           "image_encoder: visual.ln_pre.bias [32] is missing"},
          {"clip_vision.safetensors", "vision_model.embeddings.class_embedding",
           "image_encoder: vision_model.embeddings.class_embedding [32] is missing"}}) {
        INFO(clip);
        const ModelCopy files = imageFiles(clip);
        Tensors tensors = read(files.path / clip);
        REQUIRE(tensors.erase(lost) == 1);
        files.write(clip, tensors);
        text = problems(files.path);
        CHECK(says(text, message));
    }

    // Tensors of the last layer are not missed; layers that a configuration leaves out are told.
    const ModelCopy files = imageFiles("clip_vision.safetensors");
    Tensors tensors = read(files.path / "clip_vision.safetensors");
    tensors.erase("vision_model.encoder.layers.2.mlp.fc1.bias");
    files.write("clip_vision.safetensors", tensors);
    CHECK(problems(files.path) == "");
    const ModelCopy shorter = imageFolder();
    shorter.text("image_encoder/config.json",
                 R"({"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
                     "num_attention_heads": 16, "image_size": 28, "patch_size": 7})");
    CHECK(says(problems(shorter.path), "encoder.layers.2.mlp.fc1.bias is unexpected"));
    shorter.text("image_encoder/config.json", R"({"hidden_size": 48, "num_attention_heads": 16})");
    CHECK(says(problems(shorter.path), "hidden_size (image_dim of the transformer) is 48, not 32"));
}

TEST_CASE("an image encoder beside a model that sees no image is passed over", "[layouts][image]") {
    const ModelCopy copy(kLayouts / "original");
    fs::copy(kImageLayouts / "clip_wan.safetensors", copy.path / "clip_wan.safetensors");
    CHECK(problems(copy.path) == "");
    CHECK(describeModel(copy.path).imageTokens == 0);
    CHECK(describeModel(copy.path).files.size() == 5);
}

TEST_CASE("the vocabulary is found beside the files or in them", "[layouts]") {
    const std::string expected = vocabulary(describeModel(kLayouts / "diffusers"));
    CHECK(expected.size() > 1000);
    for (const char* layout : {"original", "comfy", "comfy_fp8"}) {
        INFO(layout);
        CHECK(vocabulary(describeModel(kLayouts / layout)) == expected);
    }
    CHECK(describeModel(kLayouts / "comfy").tokenizerTensor == "spiece_model");
    // GGUF keeps the pieces and the normaliser, which is all that encoding needs.
    const at::Tensor kept =
        read(kLayouts.parent_path() / "layouts_expected_0/gguf.safetensors").at("spiece_model");
    CHECK(vocabulary(describeModel(kLayouts / "gguf")) ==
          std::string(static_cast<const char*>(kept.const_data_ptr()), kept.nbytes()));
    const ModelCopy copy(kLayouts / "comfy_fp8");
    fs::remove(copy.path / "spiece.model");
    CHECK(says(problems(copy.path), "spiece.model is missing"));
}

TEST_CASE("files are known by their headers, whatever they are called", "[layouts]") {
    const ModelCopy copy(kLayouts / "comfy_fp8");
    fs::rename(copy.path / "transformer.safetensors", copy.path / "vae.bin");
    fs::create_directory(copy.path / "a");
    fs::rename(copy.path / "vae.safetensors", copy.path / "a/model");
    CHECK(problems(copy.path) == "");
    const ModelCopy gguf(kLayouts / "gguf");
    fs::rename(gguf.path / "transformer.gguf", gguf.path / "t.safetensors");
    CHECK(problems(gguf.path) == "");
}

TEST_CASE("one file may hold every part", "[layouts]") {
    const ModelCopy copy(kLayouts / "comfy");
    Tensors one = read(copy.path / "diffusion_pytorch_model.safetensors");
    for (const auto& [name, tensor] : read(copy.path / "Wan2.1_VAE.safetensors"))
        one["first_stage_model." + name] = tensor;
    for (const auto& [name, tensor] : read(copy.path / "text_encoders/umt5_xxl.safetensors"))
        one["text_encoders.umt5xxl.transformer." + name] = tensor;
    fs::remove_all(copy.path / "text_encoders");
    fs::remove(copy.path / "Wan2.1_VAE.safetensors");
    copy.write("diffusion_pytorch_model.safetensors", one);
    CHECK(problems(copy.path) == "");
    CHECK(vocabulary(describeModel(copy.path)).size() > 1000);
    CHECK(differences(tensorsOf(readWanFolder(kLayouts / "diffusers")),
                      tensorsOf(readWanFolder(copy.path))) == "");
}

TEST_CASE("a VACE module is joined with its base", "[layouts]") {
    const ModelCopy copy(kLayouts / "original");
    Tensors base, module;
    for (const auto& [name, tensor] : read(copy.path / "diffusion_pytorch_model.safetensors"))
        (name.rfind("vace_", 0) == 0 ? module : base)[name] = tensor;
    copy.write("diffusion_pytorch_model.safetensors", base);
    // Alone it is a text-to-video model.
    CHECK(problems(copy.path) == "");
    CHECK(describeModel(copy.path).heldByNoise);
    // Heads of 16 channels cannot be told from shapes, and the configuration is of the base alone.
    copy.write("module.safetensors", module);
    CHECK(says(problems(copy.path), "num_heads is needed"));
    fs::remove(copy.path / "module.safetensors");
    fs::remove(copy.path / "diffusion_pytorch_model.safetensors");
    copy.write("module.safetensors", module);
    CHECK(says(problems(copy.path), "no file here holds a transformer"));
}

TEST_CASE("what is missing is named as the file names it", "[layouts]") {
    const ModelCopy copy(kLayouts / "original");
    Tensors transformer = read(copy.path / "diffusion_pytorch_model.safetensors");
    transformer.erase("blocks.1.cross_attn.norm_q.weight");
    transformer.erase("head.modulation");
    transformer["blocks.0.ffn.0.bias"] = at::zeros({3});
    transformer["surplus"] = at::zeros({3});
    copy.write("diffusion_pytorch_model.safetensors", transformer);
    Tensors vae = read(copy.path / "Wan2.1_VAE.safetensors");
    vae.erase("decoder.upsamples.5.residual.2.weight");
    vae.erase("encoder.middle.1.to_qkv.bias");
    copy.write("Wan2.1_VAE.safetensors", vae);
    Tensors text = read(copy.path / "models_t5.safetensors");
    text.erase("blocks.1.ffn.gate.0.weight");
    copy.write("models_t5.safetensors", text);
    const std::string lines = problems(copy.path);
    for (const char* line :
         {"transformer: blocks.1.cross_attn.norm_q.weight [32] is missing",
          "transformer: head.modulation [1, 2, 32] is missing",
          "transformer: blocks.0.ffn.0.bias is [3], [256] was expected",
          "transformer: surplus is unexpected", "vae: decoder.upsamples.5.residual.2.weight",
          "vae: encoder.middle.1.to_qkv.bias [24] is missing",
          "text_encoder: blocks.1.ffn.gate.0.weight [32, 256] is missing"})
        CHECK(says(lines, line));
    CHECK(std::count(lines.begin(), lines.end(), '\n') == 7);
}

TEST_CASE("a part that is not there is named, with what to do about pickles", "[layouts]") {
    const ModelCopy copy(kLayouts / "original");
    fs::remove(copy.path / "Wan2.1_VAE.safetensors");
    std::ofstream(copy.path / "Wan2.1_VAE.pth", std::ios::binary)
        << "PK\x03\x04" << std::string(100, '\0');
    fs::remove(copy.path / "models_t5.safetensors");
    std::ofstream(copy.path / "models_t5.pth", std::ios::binary)
        << "\x80\x02" << std::string(100, '.');
    std::string text = problems(copy.path);
    CHECK(says(text, "no file here holds a VAE"));
    CHECK(says(text, "no file here holds a text encoder"));
    CHECK(says(text, "Wan2.1_VAE.pth: a pickle"));
    CHECK(says(text, "models_t5.pth: a pickle"));
    CHECK(says(text, "pth_to_safetensors.py"));

    // Two of a kind, and a file that cannot be read.
    const ModelCopy two(kLayouts / "original");
    fs::copy_file(two.path / "diffusion_pytorch_model.safetensors", two.path / "high_noise");
    fs::remove(two.path / "Wan2.1_VAE.safetensors");
    std::ofstream(two.path / "vae.gguf", std::ios::binary) << "GGUF" << std::string(60, '\xff');
    text = problems(two.path);
    CHECK(says(text, "2 files hold a transformer"));
    CHECK(says(text, "high_noise"));
    CHECK(says(text, "vae.gguf: not a valid GGUF file"));
}

TEST_CASE("a diffusers folder may hold a part of another layout", "[layouts]") {
    const ModelCopy copy(kLayouts / "diffusers");
    const Tensors expected = tensorsOf(readWanFolder(copy.path));
    fs::remove(copy.path / "transformer/diffusion_pytorch_model.safetensors.index.json");
    for (int i = 1; i < 3; ++i)
        fs::remove(copy.path / ("transformer/diffusion_pytorch_model-0000" + std::to_string(i) +
                                "-of-00002.safetensors"));
    fs::copy_file(kLayouts / "comfy_fp8/transformer.safetensors",
                  copy.path / "transformer/x.safetensors");
    CHECK(problems(copy.path) == "");
    CHECK(differences(expected, tensorsOf(readWanFolder(copy.path))) == "");
    fs::remove(copy.path / "transformer/x.safetensors");
    fs::copy_file(kLayouts / "gguf/transformer.gguf", copy.path / "transformer/x.gguf");
    CHECK(problems(copy.path) == "");
    // The original release's configuration, too.
    fs::copy_file(kLayouts / "gguf/config.json", copy.path / "transformer/config.json",
                  fs::copy_options::overwrite_existing);
    CHECK(problems(copy.path) == "");
}

TEST_CASE("folders of single files are found and listed", "[layouts]") {
    const fs::path layout = kLayouts / "original";
    CHECK(findModel("original", kLayouts) == layout);
    CHECK(listModels({layout}) == std::vector{layout});
    const auto listed = listModels({kLayouts});
    CHECK(listed.size() == 5);
    CHECK(describeModel(layout).name == "original");
    CHECK(describeModel(layout).files.size() == 5);  // three weights, a configuration, a vocabulary
}
