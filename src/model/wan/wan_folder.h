#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "model/description.h"
#include "model/wan/clip_config.h"
#include "model/wan/transformer_config.h"
#include "model/wan/umt5_config.h"
#include "model/wan/vae_config.h"
#include "model/weights/tensor_source.h"

namespace derrumbe::model {

/// A model folder's configurations and tensor headers, read and checked against each other; no
/// weight data. Its layout is diffusers' (with model_index.json) or single files.
struct WanFolder {
    std::filesystem::path path;
    TransformerConfig transformer;
    VaeConfig vae;
    Umt5Config text;
    std::shared_ptr<const TensorSource> transformerTensors, vaeTensors, textTensors;
    /// The low-noise expert of a pair, whose first is `transformer`; none where there is no pair.
    struct Expert {
        TransformerConfig config;
        std::shared_ptr<const TensorSource> tensors;
    };
    std::optional<Expert> lowNoise;
    /// Where the transformers see an image.
    struct ImageEncoder {
        ClipConfig config;
        std::shared_ptr<const TensorSource> tensors;
    };
    std::optional<ImageEncoder> image;
    Description description;
};

/// Is it the name of a matrix of a block's, of the transformer's or the text encoder's?
bool isBlockMatrix(const std::string& name);

/// Throws Error(Model) with everything that is wrong in any of the folder's files.
WanFolder readWanFolder(const std::filesystem::path& folder);

}  // namespace derrumbe::model
