#pragma once
#include <ATen/ATen.h>

#include <array>
#include <optional>

#include "model/layers/linear.h"
#include "model/layers/norm.h"
#include "model/wan/transformer_config.h"

namespace derrumbe::model {

/// A Conv3d whose kernel is its stride, as one matrix product a token. Keys: weight [d, C, pt, ph,
/// pw], bias [d].
struct PatchEmbedding {
    std::array<int64_t, 3> patch{1, 1, 1};
    at::Tensor weight, bias;  ///< [d, C * pt * ph * pw], [d]

    PatchEmbedding(const Weights& weights, const TransformerConfig& config, int64_t channels);

    /// [B, C, T, h, w] to [B, L, d], tokens ordered time, row, column. T, h, w are multiples of the
    /// patch.
    /// @param kept  of the tokens, those to embed, [K] int64; undefined: all
    at::Tensor operator()(const at::Tensor& x, const at::Tensor& kept = {}) const;
};

/// The image encoder's tokens as the blocks take them (diffusers' WanImageEmbedding). Keys: norm1,
/// ff.net.0.proj, ff.net.2, norm2.
struct ImageEmbedder {
    LayerNorm norm1, norm2;
    Linear up, down;

    ImageEmbedder(const Weights& weights, const TransformerConfig& config);

    /// [B, S, imageDim] to [B, S, d].
    at::Tensor operator()(const at::Tensor& tokens) const;
};

/// Time, text and image as the blocks take them (diffusers' WanTimeTextImageEmbedding).
/// Keys: time_embedder.linear_1/2 (float32 in any model), time_proj, text_embedder.linear_1/2, and
/// of transformers that see an image, image_embedder.
struct ConditionEmbedder {
    int64_t freqDim = 0;
    Linear time1, time2, timeProjection, text1, text2;
    std::optional<ImageEmbedder> image;

    ConditionEmbedder(const Weights& weights, const TransformerConfig& config);

    struct Time {
        at::Tensor embedding;   ///< [d] in the model's dtype
        at::Tensor modulation;  ///< [6, d] float32
    };
    Time time(double timestep) const;
    /// Prompt embeddings [B, S, textDim] to [B, S, d].
    at::Tensor text(const at::Tensor& embeds) const;
};

}  // namespace derrumbe::model
