#pragma once
#include <cstdint>

#include "model/weights/config.h"

namespace derrumbe::model {

/// The configuration of a CLIP vision tower (image_encoder/config.json), with transformers'
/// defaults (models/clip/configuration_clip.py, CLIPVisionConfig) for what a file leaves out.
/// Published Wan2.1 models have ViT-H/14: width 1280, 32 layers, 16 heads, "gelu".
struct ClipConfig {
    int64_t width = 768;      ///< hidden_size
    int64_t hidden = 3072;    ///< intermediate_size
    int64_t layers = 12;      ///< num_hidden_layers; the last one's output is not used
    int64_t heads = 12;       ///< num_attention_heads
    int64_t imageSize = 224;  ///< pixels a side
    int64_t patch = 32;       ///< pixels a side, a divisor of `imageSize`
    double epsilon = 1e-5;    ///< layer_norm_eps
    bool quickGelu = true;    ///< hidden_act: x sigmoid(1.702 x) in the place of GELU

    int64_t tokens() const { return imageSize / patch * (imageSize / patch) + 1; }

    /// Reads and checks it; what cannot be run is recorded as a problem of `config`.
    static ClipConfig read(const Config& config);
};

}  // namespace derrumbe::model
