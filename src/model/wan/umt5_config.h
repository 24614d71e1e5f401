#pragma once
#include <cstdint>

#include "model/weights/config.h"

namespace derrumbe::model {

/// UMT5's configuration (text_encoder/config.json), with transformers' defaults
/// (models/umt5/configuration_umt5.py) for what a file leaves out.
struct Umt5Config {
    int64_t vocabulary = 250112;
    int64_t width = 512;     ///< d_model
    int64_t headSize = 64;   ///< d_kv
    int64_t heads = 6;       ///< num_heads; heads * headSize need not be `width`
    int64_t hidden = 1024;   ///< d_ff
    int64_t layers = 8;      ///< num_layers, of the encoder
    int64_t buckets = 32;    ///< relative_attention_num_buckets
    int64_t farthest = 128;  ///< relative_attention_max_distance
    double epsilon = 1e-6;   ///< layer_norm_epsilon

    /// Reads and checks it; what cannot be run (another feed-forward than gated GELU) is recorded
    /// as a problem of `config`.
    static Umt5Config read(const Config& config);
};

}  // namespace derrumbe::model
