#include "model/wan/transformer_block.h"

#include "model/layers/attention.h"
#include "model/layers/linear_gelu.h"
#include "model/layers/rope.h"

namespace derrumbe::model {

WanAttention::WanAttention(const Weights& weights, const TransformerConfig& config)
    : heads(config.heads),
      toQ(weights / "to_q", config.width(), config.width()),
      toK(weights / "to_k", config.width(), config.width()),
      toV(weights / "to_v", config.width(), config.width()),
      toOut(weights / "to_out.0", config.width(), config.width()),
      normQ(weights / "norm_q", config.width(), config.eps),
      normK(weights / "norm_k", config.width(), config.eps),
      gainQ(normQ.weight.to(at::kFloat)),
      gainK(normK.weight.to(at::kFloat)) {}

TransformerBlock::TransformerBlock(const Weights& weights, const TransformerConfig& config)
    : eps_(config.eps),
      normed_(config.crossAttnNorm),
      attn1_(weights / "attn1", config),
      attn2_(weights / "attn2", config),
      up_(weights / "ffn.net.0.proj", config.width(), config.ffnDim),
      down_(weights / "ffn.net.2", config.ffnDim, config.width()),
      table_(weights.tensor("scale_shift_table", {1, 6, config.width()}, at::kFloat).squeeze(0)) {
    if (normed_) norm2_ = LayerNorm(weights / "norm2", config.width(), config.eps);
}

namespace {

/// LN(x) (1 + scale) + shift: scale and shift are the same for every token, so that they pass for
/// the norm's own weight and bias, in one pass over x.
at::Tensor modulated(const at::Tensor& x, const at::Tensor& shift, const at::Tensor& scale,
                     double eps) {
    return layerNorm32(x, scale + 1, shift, eps);
}

}  // namespace

at::Tensor TransformerBlock::operator()(at::Tensor x, const at::Tensor& time,
                                        const at::Tensor& rope, const TextKeys& text,
                                        const at::Tensor& textBias,
                                        const TokenShare& tokens) const {
    const std::vector<at::Tensor> m = (table_ + time).unbind(0);  // shift, scale, gate; twice
    // A float32 gate makes the sum float32, rounded once to x's dtype, in one pass.
    x.addcmul_(selfAttention(modulated(x, m[0], m[1], eps_), rope, tokens), m[2]);
    if (const int64_t prompts = text.keys.size(0); x.size(0) < prompts)
        x = x.expand({prompts, -1, -1}).contiguous();
    x.add_(crossAttention(normed_ ? norm2_(x) : x, text, textBias));
    return x.addcmul_(feedForward(modulated(x, m[3], m[4], eps_)), m[5]);
}

at::Tensor TransformerBlock::selfAttention(const at::Tensor& x, const at::Tensor& rope,
                                           const TokenShare& tokens) const {
    const auto prepared = [&](const Linear& project, const RmsNorm& norm, const at::Tensor& gain) {
        const at::Tensor raw = project(x);
        const at::Tensor factor = norm.inverseRms(raw);
        return rotate(raw * gain, attn1_.heads, rope, factor, x.scalar_type());
    };
    const at::Tensor q = prepared(attn1_.toQ, attn1_.normQ, attn1_.gainQ).transpose(1, 2);
    at::Tensor k = prepared(attn1_.toK, attn1_.normK, attn1_.gainK);
    at::Tensor v = attn1_.toV(x);
    if (!tokens.whole()) {
        // Own queries meet the keys and values of all tokens, in one message. Heads would be fewer
        // numbers to exchange (Jacobs et al. 2023, "DeepSpeed Ulysses"), but have to be divisible.
        const at::Tensor both = tokens.all(at::cat({k.flatten(2), v}, 2));
        k = both.narrow(2, 0, v.size(2)).unflatten(2, {attn1_.heads, -1});
        v = both.narrow(2, v.size(2), v.size(2));
    }
    v = splitHeads(v, attn1_.heads);
    return attn1_.toOut(joinHeads(attention(q, k.transpose(1, 2), v)));
}

TextKeys TransformerBlock::textKeys(const at::Tensor& text) const {
    // The query norm's weight multiplies channel by channel before the product with the keys, so it
    // can stand with them, where it is applied once a prompt.
    const at::Tensor keys = attn2_.normK(attn2_.toK(text)).mul_(attn2_.normQ.weight);
    return {splitHeads(keys, attn2_.heads).contiguous(),
            splitHeads(attn2_.toV(text), attn2_.heads).contiguous()};
}

at::Tensor TransformerBlock::crossAttention(const at::Tensor& x, const TextKeys& text,
                                            const at::Tensor& bias) const {
    at::Tensor q = attn2_.toQ(x);
    q.mul_(attn2_.normQ.inverseRms(q));
    return attn2_.toOut(
        joinHeads(attention(splitHeads(q, attn2_.heads), text.keys, text.values, bias)));
}

at::Tensor TransformerBlock::feedForward(const at::Tensor& x) const {
    return down_(linearGelu(up_, x));
}

}  // namespace derrumbe::model
