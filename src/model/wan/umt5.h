#pragma once
#include <ATen/ATen.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "model/layers/blocks.h"
#include "model/layers/linear.h"
#include "model/layers/norm.h"
#include "model/video_model.h"
#include "model/wan/umt5_config.h"

namespace derrumbe::model {

/// UMT5EncoderModel (transformers 5.23:models/umt5/modeling_umt5.py), inference only: attention
/// without scaling, a relative position bias of every layer's own, gated GELU, no biases.
/// Keys: `shared.weight` (or `encoder.embed_tokens.weight`), `encoder.block.N...`,
/// `encoder.final_layer_norm`.
class Umt5Encoder {
  public:
    /// Names and shapes that do not fit are recorded in `weights`.
    /// @param residentBlocks that stay in memory; -1: all. Each of the others is read once for all
    /// prompts that are encoded together.
    Umt5Encoder(const Weights& weights, const Umt5Config& config, int residentBlocks = -1);

    /// Token ids of some prompts (n >= 1 each, without padding) to embeddings, each [1, n, width]
    /// float32 on the CPU, the same whatever other prompts are there. Without padding no mask is
    /// needed: masked rows would not change the others. Throws Error(Internal) for an id outside
    /// the vocabulary.
    std::vector<at::Tensor> encode(const std::vector<TokenIds>& prompts,
                                   const Tick& tick = {}) const;

  private:
    struct Block {
        Block(const Weights& weights, const Umt5Config& config);

        RmsNorm attentionNorm, forwardNorm;
        Linear q, k, v, o, gate, up, down;
        at::Tensor bias;  ///< [buckets, heads]
    };
    at::Tensor embedded(const TokenIds& ids) const;
    void attend(at::Tensor& x, const Block& block, const at::Tensor& buckets) const;
    void forward(at::Tensor& x, const Block& block) const;

    Umt5Config config_;
    at::Device device_;
    at::ScalarType dtype_;
    std::shared_ptr<const PackedMatrix> embedding_;  ///< a prompt needs a few of its rows
    Blocks<Block> blocks_;
    RmsNorm finalNorm_;
};

/// T5's bucket of every distance key - query, [n, n] int64: exact up to a quarter of the buckets,
/// logarithmic beyond, one half of the buckets for keys to the right. The logarithm is taken in
/// float32 as the reference does: distances that are powers lie on the edge of a bucket.
at::Tensor umt5Buckets(int64_t tokens, int64_t buckets, int64_t farthest);

}  // namespace derrumbe::model
