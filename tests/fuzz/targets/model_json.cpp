#include "../check.h"
#include "../targets.h"
#include "model/description.h"
#include "model/weights/config.h"
#include "model/weights/safetensors.h"

namespace derrumbe::fuzz {

namespace fs = std::filesystem;

namespace {

struct File {
    char kind;
    const char* name;
    const char* text;
};

/// What the folder holds while another of its files is read. Two experts, so that both are.
constexpr File kFiles[] = {
    {'m', "model_index.json",
     R"({"_class_name": "WanVACEPipeline", "boundary_ratio": 0.875, "transformer_2": ["diffusers", "x"]})"},
    {'s', "scheduler/scheduler_config.json", R"({"_class_name": "UniPCMultistepScheduler"})"},
    {'t', "transformer/config.json",
     R"({"num_attention_heads": 2, "attention_head_dim": 12, "in_channels": 4, "text_dim": 16,
         "freq_dim": 16, "ffn_dim": 32, "num_layers": 2, "vace_layers": [0], "vace_in_channels": 24})"},
    {'e', "transformer_2/config.json",
     R"({"num_attention_heads": 2, "attention_head_dim": 12, "in_channels": 4, "text_dim": 16,
         "freq_dim": 16, "ffn_dim": 32, "num_layers": 2, "vace_layers": [0], "vace_in_channels": 24})"},
    {'v', "vae/config.json",
     R"({"base_dim": 8, "z_dim": 4, "dim_mult": [1, 2, 2], "num_res_blocks": 1,
         "temperal_downsample": [true, true], "latents_mean": [0.1, 0, -0.1, 0],
         "latents_std": [1, 2, 1, 0.5], "scale_factor_spatial": 4, "scale_factor_temporal": 4})"},
    {'x', "text_encoder/config.json",
     R"({"vocab_size": 50, "d_model": 16, "d_kv": 8, "num_heads": 2, "d_ff": 24, "num_layers": 2})"},
    {'d', "derrumbe.json", R"({"name": "x"})"},
    {'i', "vae/a.safetensors.index.json", R"({"weight_map": {"a": "1.safetensors"}})"},
};

const fs::path& folder() {
    static const fs::path made = [] {
        const fs::path path = scratch() / "model";
        for (const File& file : kFiles) writeScratch(path / file.name, file.text);
        for (const char* part : {"transformer", "transformer_2", "text_encoder"})
            model::writeSafetensors(path / part / "model.safetensors", {{"a", at::zeros(2)}});
        model::writeSafetensors(path / "vae/1.safetensors", {{"a", at::zeros(2)}});
        return path;
    }();
    return made;
}

}  // namespace

void modelJson(const std::string& bytes) {
    for (const File& file : kFiles) {
        if (bytes.empty() || bytes[0] != file.kind) continue;
        const std::string text = bytes.substr(1);
        // Most mutations are no JSON, for which the rest of the folder need not be read.
        if (!accepted(ExitCode::Model, [&] { model::Config::parse(text, file.name); })) return;
        writeScratch(folder() / file.name, text);
        accepted(ExitCode::Model, [&] {
            const model::Description read = model::describeModel(folder());
            model::estimate(read, 49, 128, 128, 1, 4);
            // Building all the layers that a config names takes a moment where there are many.
            if (read.layers <= 4) model::checkModel(folder());
        });
        writeScratch(folder() / file.name, file.text);
    }
}

}  // namespace derrumbe::fuzz
