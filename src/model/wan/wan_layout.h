#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "model/weights/config.h"
#include "model/weights/tensor_source.h"

namespace derrumbe::model {

/// Where a model's parts lie and what they hold, whatever the layout of its folder. Headers only.
struct WanLayout {
    struct Part {
        std::shared_ptr<const TensorSource> tensors;  ///< under diffusers' names
        std::optional<Config> config;                 ///< in diffusers' keys
    };
    Part transformer, vae, text;
    Part image;           ///< the CLIP image encoder; nothing where the transformer sees no image
    Part lowNoise;        ///< the second of a pair of experts; no tensors where there is one alone
    double boundary = 0;  ///< of the pair, a share of the timesteps' 1000; 0 without
    std::optional<Config> scheduler;
    std::string vocabulary;        ///< the file that holds the SentencePiece model; may be missing
    std::string vocabularyTensor;  ///< its tensor there; empty where the file is the model
    std::vector<std::string> configFiles;
};

/// diffusers' layout: model_index.json and a folder a part. A part's own file may be of another
/// layout (a single file of Wan's names, a GGUF). What is wrong is added to `problems`.
WanLayout diffusersLayout(const std::filesystem::path& folder, Problems& problems);

/// Single files, in the folder or up to two levels below it, as Wan's and VACE's repositories,
/// ComfyUI's repackaged files and GGUF releases have them: what each holds is seen from its header.
/// Folders that are models of their own (model_index.json) and hidden ones are left out. Two
/// transformers are a pair of experts where the path of one says high and that of the other low
/// (expert_names.h): nothing in their headers tells them apart.
WanLayout looseLayout(const std::filesystem::path& folder, Problems& problems);

/// Does a file right in the folder hold a transformer of the family? (For listing models.)
bool holdsWan(const std::filesystem::path& folder);

}  // namespace derrumbe::model
