#include "model/wan/umt5.h"

#include <algorithm>
#include <cmath>

#include "model/layers/attention.h"
#include "support/strings.h"

namespace derrumbe::model {

namespace {

/// float16 overflows in large T5s; the reference clamps after every sublayer, a little lower once
/// something has overflowed.
void clampHalf(at::Tensor& x) {
    if (x.scalar_type() != at::kHalf) return;
    const double limit = 65504 - (at::isinf(x).any().item<bool>() ? 1000 : 0);
    x.clamp_(-limit, limit);
}

}  // namespace

at::Tensor umt5Buckets(int64_t tokens, int64_t buckets, int64_t farthest) {
    const at::Tensor positions = at::arange(tokens, at::kLong);
    const at::Tensor distance = positions.unsqueeze(0) - positions.unsqueeze(1);  // key - query
    const int64_t half = buckets / 2, exact = half / 2;
    const at::Tensor far = distance.abs();
    const double range = std::log(static_cast<double>(farthest) / static_cast<double>(exact));
    const at::Tensor logarithmic = far.to(at::kFloat)
                                       .div(static_cast<double>(exact))
                                       .log()
                                       .div(range)
                                       .mul(static_cast<double>(half - exact))
                                       // log 0 at distance 0, which `where` leaves out
                                       .clamp(0, static_cast<double>(half))
                                       .to(at::kLong)
                                       .add(exact)
                                       .clamp_max(half - 1);
    return at::where(far < exact, far, logarithmic) + (distance > 0).to(at::kLong) * half;
}

Umt5Encoder::Block::Block(const Weights& weights, const Umt5Config& config) {
    const int64_t inner = config.heads * config.headSize;
    // In float16 the reference keeps the last projection in float32.
    const at::ScalarType wide = weights.dtype() == at::kHalf ? at::kFloat : weights.dtype();
    const Weights self = weights / "0.SelfAttention", dense = weights / "1.DenseReluDense";
    attentionNorm = RmsNorm(weights / "0.layer_norm", config.width, config.epsilon);
    q = Linear(self / "q", config.width, inner, false);
    k = Linear(self / "k", config.width, inner, false);
    v = Linear(self / "v", config.width, inner, false);
    o = Linear(self / "o", inner, config.width, false);
    bias = self.tensor("relative_attention_bias.weight", {config.buckets, config.heads});
    forwardNorm = RmsNorm(weights / "1.layer_norm", config.width, config.epsilon);
    gate = Linear(dense / "wi_0", config.width, config.hidden, false);
    up = Linear(dense / "wi_1", config.width, config.hidden, false);
    down = Linear((dense / "wo").withDtype(wide), config.hidden, config.width, false);
}

Umt5Encoder::Umt5Encoder(const Weights& weights, const Umt5Config& config, int residentBlocks)
    : config_(config), device_(weights.device()), dtype_(weights.dtype()) {
    const bool shared = weights.has("shared.weight") || !weights.has("encoder.embed_tokens.weight");
    embedding_ = weights.table(shared ? "shared.weight" : "encoder.embed_tokens.weight",
                               {config.vocabulary, config.width});
    const bool all = residentBlocks < 0;
    const Weights blocks = all ? weights : weights.readingAhead();
    blocks_ = Blocks<Block>(
        config.layers, all ? config.layers : residentBlocks,
        [blocks, config](size_t index) {
            return Block(blocks / "encoder.block" / static_cast<int>(index) / "layer", config);
        },
        /*around=*/false);
    finalNorm_ = RmsNorm(weights / "encoder.final_layer_norm", config.width, config.epsilon);
}

void Umt5Encoder::attend(at::Tensor& x, const Block& block, const at::Tensor& buckets) const {
    const at::Tensor h = block.attentionNorm(x);
    const auto heads = [&](const Linear& linear) { return splitHeads(linear(h), config_.heads); };
    const at::Tensor bias = block.bias.index_select(0, buckets.flatten())
                                .view({buckets.size(0), buckets.size(1), config_.heads})
                                .permute({2, 0, 1})
                                .unsqueeze(0)
                                .contiguous();
    const at::Tensor mixed =
        attention(heads(block.q), heads(block.k), heads(block.v), bias, /*scale=*/1.0);
    x = x + block.o(joinHeads(mixed));
    clampHalf(x);
}

void Umt5Encoder::forward(at::Tensor& x, const Block& block) const {
    const at::Tensor h = block.forwardNorm(x);
    const at::Tensor inner = at::gelu(block.gate(h), "tanh").mul_(block.up(h));
    x = (x + block.down(inner.to(block.down.dtype()))).to(dtype_);
    clampHalf(x);
}

at::Tensor Umt5Encoder::embedded(const TokenIds& ids) const {
    if (ids.empty() || std::any_of(ids.begin(), ids.end(),
                                   [&](int64_t id) { return id < 0 || id >= config_.vocabulary; }))
        throw Error(ExitCode::Internal, cat("token ids must be in [0, ", config_.vocabulary,
                                            "), and there must be one"));
    std::vector<at::Tensor> rows;
    for (const int64_t id : ids) rows.push_back(embedding_->unpackedRows(id, 1).to(dtype_));
    return at::cat(rows).to(device_).unsqueeze(0);
}

std::vector<at::Tensor> Umt5Encoder::encode(const std::vector<TokenIds>& prompts,
                                            const Tick& tick) const {
    std::vector<at::Tensor> all, buckets;
    for (const TokenIds& ids : prompts) {
        all.push_back(embedded(ids));
        buckets.push_back(
            umt5Buckets(all.back().size(1), config_.buckets, config_.farthest).to(device_));
    }
    for (size_t index = 0; index < blocks_.size(); ++index) {
        const auto block = blocks_[index];
        for (size_t i = 0; i < all.size(); ++i) {
            attend(all[i], *block, buckets[i]);
            forward(all[i], *block);
        }
        if (tick) tick(static_cast<double>(index + 1), static_cast<double>(blocks_.size()));
    }
    for (at::Tensor& x : all) x = finalNorm_(x).to(at::kCPU, at::kFloat);
    return all;
}

}  // namespace derrumbe::model
