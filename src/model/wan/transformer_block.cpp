#include "model/wan/transformer_block.h"

#include "model/layers/attention.h"
#include "model/layers/rope.h"
#include "model/layers/rows/row_operations.h"

namespace derrumbe::model {

WanAttention::WanAttention(const Weights& weights, const TransformerConfig& config, Keys keys)
    : heads(config.heads),
      toQ(weights / "to_q", config.width(), config.width()),
      toOut(weights / "to_out.0", config.width(), config.width()),
      normQ(weights / "norm_q", config.width(), config.eps),
      normK(weights / "norm_k", config.width(), config.eps),
      gainQ(normQ.weight.to(at::kFloat)),
      gainK(normK.weight.to(at::kFloat)) {
    const Weights from =
        weights.withProducts(keys == Keys::Tokens ? weights.products() : Rounding::None);
    toK = Linear(from / "to_k", config.width(), config.width());
    toV = Linear(from / "to_v", config.width(), config.width());
}

TransformerBlock::TransformerBlock(const Weights& weights, const TransformerConfig& config,
                                   int64_t tokensAtOnce)
    : tokensAtOnce_(tokensAtOnce),
      eps_(config.eps),
      normed_(config.crossAttnNorm),
      attn1_(weights / "attn1", config, WanAttention::Keys::Tokens),
      attn2_(weights / "attn2", config, WanAttention::Keys::Words),
      up_(weights / "ffn.net.0.proj", config.width(), config.ffnDim),
      down_(weights / "ffn.net.2", config.ffnDim, config.width()),
      table_(weights.tensor("scale_shift_table", {1, 6, config.width()}, at::kFloat).squeeze(0)) {
    if (normed_) norm2_ = LayerNorm(weights / "norm2", config.width(), config.eps);
    if (config.seesImage()) {
        const Weights cross = (weights / "attn2").withProducts(Rounding::None);
        addK_ = Linear(cross / "add_k_proj", config.width(), config.width());
        addV_ = Linear(cross / "add_v_proj", config.width(), config.width());
        normAddedK_ = RmsNorm(cross / "norm_added_k", config.width(), config.eps);
    }
}

namespace {

/// LN(x) (1 + scale) + shift: scale and shift are the same for every token, so that they pass for
/// the norm's own weight and bias, in one pass over x.
at::Tensor modulated(const at::Tensor& x, const at::Tensor& shift, const at::Tensor& scale,
                     double eps) {
    return layerNorm32(x, scale + 1, shift, eps);
}

/// x += y * gate. A float32 gate makes the sum float32, rounded once to x's dtype, in one pass.
void addGated(at::Tensor& x, const at::Tensor& y, const at::Tensor& gate) {
    if (rows::able(x))
        rows::addGated(x, y, gate);
    else
        x.addcmul_(y, gate);
}

}  // namespace

at::Tensor TransformerBlock::operator()(at::Tensor x, const at::Tensor& time,
                                        const at::Tensor& rope, const TextKeys& text,
                                        const at::Tensor& textBias,
                                        const TokenShare& tokens) const {
    const Modulation m = (table_ + time).unbind(0);
    addSelfAttention(x, m, rope, tokens);
    if (const int64_t prompts = text.keys.size(0); x.size(0) < prompts)
        x = x.expand({prompts, -1, -1}).contiguous();
    for (at::Tensor& part : x.split(tokensAtOnce_, 1)) {
        part.add_(crossAttention(normed_ ? norm2_(part) : part, text, textBias));
        addGated(part, feedForward(modulated(part, m[3], m[4], eps_)), m[5]);
    }
    return x;
}

void TransformerBlock::addSelfAttention(at::Tensor& x, const Modulation& m, const at::Tensor& rope,
                                        const TokenShare& tokens) const {
    std::vector<at::Tensor> parts = x.split(tokensAtOnce_, 1);
    const std::vector<at::Tensor> ropes = rope.split(tokensAtOnce_, 0);
    at::Tensor k, v;
    std::optional<LinearInput> only;  // part
    for (size_t i = 0; i < parts.size(); ++i) {
        const LinearInput normed(modulated(parts[i], m[0], m[1], eps_));
        const at::Tensor keys = rotated(attn1_.toK, attn1_.normK, attn1_.gainK, normed, ropes[i]),
                         values = attn1_.toV(normed);
        if (parts.size() == 1) {
            k = keys;
            v = values;
            only = normed;
            break;
        }
        if (i == 0) {
            k = at::empty({x.size(0), x.size(1), keys.size(2), keys.size(3)}, keys.options());
            v = at::empty_like(x, values.options());
        }
        const auto begin = static_cast<int64_t>(i) * tokensAtOnce_;
        k.narrow(1, begin, keys.size(1)).copy_(keys);
        v.narrow(1, begin, keys.size(1)).copy_(values);
    }
    if (!tokens.whole()) {
        // Own queries meet the keys and values of all tokens, in one message. Heads would be fewer
        // numbers to exchange (Jacobs et al. 2023, "DeepSpeed Ulysses"), but have to be divisible.
        const at::Tensor both = tokens.all(at::cat({k.flatten(2), v}, 2));
        k = both.narrow(2, 0, v.size(2)).unflatten(2, {attn1_.heads, -1});
        v = both.narrow(2, v.size(2), v.size(2));
    }
    k = k.transpose(1, 2);
    v = splitHeads(v, attn1_.heads);
    for (size_t i = 0; i < parts.size(); ++i) {
        const LinearInput normed = only ? *only : modulated(parts[i], m[0], m[1], eps_);
        const at::Tensor q = rotated(attn1_.toQ, attn1_.normQ, attn1_.gainQ, normed, ropes[i]);
        addGated(parts[i], attn1_.toOut(joinHeads(attention(q.transpose(1, 2), k, v))), m[2]);
    }
}

at::Tensor TransformerBlock::rotated(const Linear& project, const RmsNorm& norm,
                                     const at::Tensor& gain, const LinearInput& x,
                                     const at::Tensor& rope) const {
    const at::Tensor raw = project(x);
    if (rows::ableToRotate(raw, attn1_.heads))
        return rows::rmsRotate(raw, gain, rope, attn1_.heads, norm.eps);
    const at::Tensor factor = norm.inverseRms(raw);
    return rotate(raw * gain, attn1_.heads, rope, factor, x.whole().scalar_type());
}

TextKeys TransformerBlock::textKeys(const at::Tensor& text) const {
    // The query norm's weight multiplies channel by channel before the product with the keys, so it
    // can stand with them, where it is applied once a prompt.
    const at::Tensor keys = attn2_.normK(attn2_.toK(text)).mul_(attn2_.normQ.weight);
    return {{splitHeads(keys, attn2_.heads).contiguous(),
             splitHeads(attn2_.toV(text), attn2_.heads).contiguous()},
            {}};
}

ContextKeys TransformerBlock::imageKeys(const at::Tensor& image) const {
    const at::Tensor keys = normAddedK_(addK_(image)).mul_(attn2_.normQ.weight);
    return {splitHeads(keys, attn2_.heads).contiguous(),
            splitHeads(addV_(image), attn2_.heads).contiguous()};
}

at::Tensor TransformerBlock::crossAttention(const at::Tensor& x, const TextKeys& text,
                                            const at::Tensor& bias) const {
    at::Tensor q = attn2_.toQ(x);
    if (rows::able(q))
        rows::rmsNormalise(q, attn2_.normQ.eps);
    else
        q.mul_(attn2_.normQ.inverseRms(q));
    q = splitHeads(q, attn2_.heads);
    at::Tensor mixed = attention(q, text.keys, text.values, bias);
    if (text.image.keys.defined()) {
        const std::vector<int64_t> prompts{q.size(0), -1, -1, -1};
        mixed = mixed +
                attention(q, text.image.keys.expand(prompts), text.image.values.expand(prompts));
    }
    return attn2_.toOut(joinHeads(mixed));
}

at::Tensor TransformerBlock::feedForward(const at::Tensor& x) const {
    return down_(up_(x, Finish::Gelu));
}

}  // namespace derrumbe::model
