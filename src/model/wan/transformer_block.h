#pragma once
#include <ATen/ATen.h>

#include "model/description.h"
#include "model/distributed/group.h"
#include "model/layers/linear.h"
#include "model/layers/norm.h"
#include "model/wan/transformer_config.h"

namespace derrumbe::model {

/// Projections and norms of one attention. Keys: to_q, to_k, to_v, to_out.0, norm_q, norm_k. The
/// norms run over the whole width, all heads together, before the heads are split.
struct WanAttention {
    int64_t heads = 1;
    Linear toQ, toK, toV, toOut;
    RmsNorm normQ, normK;
    at::Tensor gainQ, gainK;  ///< the norms' weights in float32

    /// What the keys and values are made of: the tokens as the queries, or a prompt's words.
    enum class Keys { Tokens, Words };

    WanAttention() = default;
    WanAttention(const Weights& weights, const TransformerConfig& config, Keys keys);
};

/// A cross-attention's keys and values: they depend on neither step nor latents.
struct ContextKeys {
    at::Tensor keys, values;  ///< [B, H, S, D]; the keys carry the query norm's weight
};

/// Those of a prompt, and of the image that is shown beside it.
struct TextKeys : ContextKeys {
    ContextKeys image;  ///< B = 1; undefined where the transformer sees none
};

/// One block of the main or the VACE branch:
///   x += gate1 * SelfAttention(LN(x) (1 + scale1) + shift1)
///   x += CrossAttention(LN_affine(x), text), the image's added before the last projection
///   x += gate2 * FFN(LN(x) (1 + scale2) + shift2)
/// diffusers:models/transformers/transformer_wan.py, WanTransformerBlock. Norms, modulation and the
/// residual sums of the gated branches are float32 in any model.
class TransformerBlock {
  public:
    /// @param weights whose `products` hold for what is multiplied with every token at every
    /// step: keys and values of prompts and images, made once, stay as exact as they are
    TransformerBlock(const Weights& weights, const TransformerConfig& config,
                     int64_t tokensAtOnce = kTokensAtOnce);

    TextKeys textKeys(const at::Tensor& text) const;       ///< @param text [B, S, d]
    ContextKeys imageKeys(const at::Tensor& image) const;  ///< @param image [1, S, d]

    /// x [B, L, d], changed in place; of one picture for all of `text`'s
    /// prompts (B = 1) the self-attention is shared, and the result is [prompts, L, d]; `time` [6,
    /// d] float32; `rope` [L, headSize / 2] complex; `textBias` [1, 1, 1, S], undefined where no
    /// key stands for many. Where `tokens` are shared by processes, x and `rope` are this one's
    /// part.
    at::Tensor operator()(at::Tensor x, const at::Tensor& time, const at::Tensor& rope,
                          const TextKeys& text, const at::Tensor& textBias,
                          const TokenShare& tokens) const;

  private:
    /// Shift, scale and gate, for the self-attention and for the feed-forward.
    using Modulation = std::vector<at::Tensor>;

    void addSelfAttention(at::Tensor& x, const Modulation& m, const at::Tensor& rope,
                          const TokenShare& tokens) const;
    /// Projected, normed over all heads, turned: [B, L, H, D].
    at::Tensor rotated(const Linear& project, const RmsNorm& norm, const at::Tensor& gain,
                       const LinearInput& x, const at::Tensor& rope) const;
    at::Tensor crossAttention(const at::Tensor& x, const TextKeys& text,
                              const at::Tensor& bias) const;
    at::Tensor feedForward(const at::Tensor& x) const;

    int64_t tokensAtOnce_;
    double eps_;
    bool normed_;  ///< the cross-attention's input has an affine norm
    WanAttention attn1_, attn2_;
    LayerNorm norm2_;
    Linear addK_, addV_;  ///< of the image's tokens: attn2.add_k_proj, add_v_proj, norm_added_k
    RmsNorm normAddedK_;
    Linear up_, down_;
    at::Tensor table_;  ///< scale_shift_table [6, d] float32
};

}  // namespace derrumbe::model
