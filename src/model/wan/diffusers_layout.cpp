#include "model/wan/wan_layout.h"
#include "model/wan/wan_part.h"
#include "model/wan/wan_shapes.h"
#include "model/weights/safetensors.h"
#include "model/weights/weights_file.h"

namespace derrumbe::model {

namespace fs = std::filesystem;

namespace {

/// The part's tensors: safetensors as diffusers lays them out, or a GGUF file alone in the folder.
std::shared_ptr<const TensorSource> openPart(const fs::path& folder) {
    std::vector<fs::path> gguf;
    bool others = false;
    std::error_code code;
    for (const auto& item : fs::directory_iterator(folder, code)) {
        const FileKind kind = fileKind(item.path());
        if (kind == FileKind::Gguf) gguf.push_back(item.path());
        others = others || kind == FileKind::Safetensors;
    }
    if (gguf.size() == 1 && !others) return openWeights(gguf.front());
    return openSafetensors(folder);
}

/// The same under diffusers' names, where the file has others.
std::shared_ptr<const TensorSource> named(std::shared_ptr<const TensorSource> file, WanRole role) {
    for (const WanPart& part : wanParts(file))
        if (part.role == role) return part.tensors;
    return file;
}

/// Does model_index.json name a class for the component? One that is left out is [null, null].
bool namesComponent(const fs::path& folder, const char* name) {
    return !Config::read(folder / "model_index.json").texts(name, {}).empty();
}

}  // namespace

WanLayout diffusersLayout(const fs::path& folder, Problems& problems) {
    WanLayout layout;
    layout.vocabulary = (folder / "tokenizer/spiece.model").string();
    layout.configFiles.push_back((folder / "model_index.json").string());
    const auto attempt = [&](const auto& read) {
        try {
            read();
        } catch (const Error& error) {
            problems.add(error.problems());
        }
    };
    const auto read = [&](const char* name, WanRole role, auto configOf, WanLayout::Part& part) {
        const fs::path file = folder / name / "config.json";
        layout.configFiles.push_back(file.string());
        attempt([&] { part.tensors = named(openPart(folder / name), role); });
        attempt([&] {
            const Config stated = Config::read(file);
            // Wan's own config.json beside Wan's own file: sizes come from both.
            part.config = part.tensors && stated.has("num_heads") && stated.has("dim")
                              ? configOf(*part.tensors, stated)
                              : stated;
        });
    };
    read("text_encoder", WanRole::TextEncoder, textConfigOf, layout.text);
    read("transformer", WanRole::Transformer, transformerConfigOf, layout.transformer);
    attempt([&] {
        const Config index = Config::read(folder / "model_index.json");
        layout.boundary = index.number("boundary_ratio", 0, 0, 1);
        problems.add(index.problems());
        if (namesComponent(folder, "transformer_2")) {
            read("transformer_2", WanRole::Transformer, transformerConfigOf, layout.lowNoise);
            if (layout.boundary == 0)
                problems.error(ExitCode::Model,
                               "boundary_ratio: must say where transformer_2 takes over (published "
                               "pairs: 0.875, image-to-video 0.9)",
                               {index.file()});
        } else if (layout.boundary > 0) {
            problems.error(ExitCode::Model,
                           "boundary_ratio is for a pair of experts, and no transformer_2 is named",
                           {index.file()});
        }
    });
    if (layout.transformer.config && layout.transformer.config->has("image_dim"))
        read("image_encoder", WanRole::ImageEncoder, clipConfigOf, layout.image);
    read("vae", WanRole::Vae, vaeConfigOf, layout.vae);
    attempt([&] {
        const fs::path file = folder / "scheduler/scheduler_config.json";
        layout.configFiles.push_back(file.string());
        layout.scheduler = Config::read(file);
    });
    return layout;
}

}  // namespace derrumbe::model
