#include "model/wan/embeddings.h"

#include <cmath>

#include "support/error.h"

namespace derrumbe::model {

PatchEmbedding::PatchEmbedding(const Weights& weights, const TransformerConfig& config,
                               int64_t channels)
    : patch(config.patch),
      weight(weights.tensor("weight", {config.width(), channels, patch[0], patch[1], patch[2]})
                 .flatten(1)),
      bias(weights.tensor("bias", {config.width()})) {}

at::Tensor PatchEmbedding::operator()(const at::Tensor& x, const at::Tensor& kept) const {
    const auto [pt, ph, pw] = patch;
    if (x.size(2) % pt != 0 || x.size(3) % ph != 0 || x.size(4) % pw != 0)
        throw Error(ExitCode::Internal, "latents are no multiple of the patch");
    const int64_t batch = x.size(0), channels = x.size(1);
    const int64_t t = x.size(2) / pt, rows = x.size(3) / ph, columns = x.size(4) / pw;
    at::Tensor patches = x.reshape({batch, channels, t, pt, rows, ph, columns, pw})
                             .permute({0, 2, 4, 6, 1, 3, 5, 7})
                             .reshape({batch, t * rows * columns, channels * pt * ph * pw});
    if (kept.defined()) patches = patches.index_select(1, kept);
    return at::linear(patches, weight, bias);
}

namespace {

constexpr double kImageNormEps = 1e-5;  ///< torch.nn.LayerNorm's own

}  // namespace

ImageEmbedder::ImageEmbedder(const Weights& weights, const TransformerConfig& config)
    : norm1(weights / "norm1", config.imageDim, kImageNormEps),
      norm2(weights / "norm2", config.width(), kImageNormEps),
      up(weights / "ff.net.0.proj", config.imageDim, config.imageDim),
      down(weights / "ff.net.2", config.imageDim, config.width()) {}

at::Tensor ImageEmbedder::operator()(const at::Tensor& tokens) const {
    return norm2(down(at::gelu(up(norm1(tokens)))));
}

ConditionEmbedder::ConditionEmbedder(const Weights& weights, const TransformerConfig& config)
    : freqDim(config.freqDim),
      time1(weights.withDtype(at::kFloat) / "time_embedder.linear_1", config.freqDim,
            config.width()),
      time2(weights.withDtype(at::kFloat) / "time_embedder.linear_2", config.width(),
            config.width()),
      timeProjection(weights / "time_proj", config.width(), 6 * config.width()),
      text1(weights / "text_embedder.linear_1", config.textDim, config.width()),
      text2(weights / "text_embedder.linear_2", config.width(), config.width()) {
    if (config.seesImage()) image.emplace(weights / "image_embedder", config);
}

ConditionEmbedder::Time ConditionEmbedder::time(double timestep) const {
    // Sinusoids as diffusers' get_timestep_embedding, in float32: cosines first.
    const int64_t half = freqDim / 2;
    const at::Tensor exponent =
        at::arange(half, at::kFloat) * -std::log(10000.0) / static_cast<double>(half);
    const at::Tensor angles = exponent.exp() * static_cast<float>(timestep);
    at::Tensor waves = at::cat({angles.cos(), angles.sin()});
    if (freqDim % 2 != 0) waves = at::constant_pad_nd(waves, {0, 1});
    // One row, not a vector: a matrix product of one row rounds as the reference's.
    const at::Tensor row = waves.unsqueeze(0).to(time1.weight().device());
    const at::Tensor embedding = time2(at::silu(time1(row))).to(timeProjection.dtype());
    const at::Tensor modulation = timeProjection(at::silu(embedding)).to(at::kFloat);
    return {embedding.squeeze(0), modulation.view({6, -1})};
}

at::Tensor ConditionEmbedder::text(const at::Tensor& embeds) const {
    return text2(at::gelu(text1(embeds), "tanh"));
}

}  // namespace derrumbe::model
