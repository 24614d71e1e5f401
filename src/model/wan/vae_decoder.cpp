#include "model/wan/vae_decoder.h"

#include "model/wan/vae_pieces.h"

namespace derrumbe::model {

VaeDecoder::VaeDecoder(const Weights& all, const VaeConfig& config, int64_t numbersAtOnce)
    : residual_(config.residual), numbersAtOnce_(numbersAtOnce) {
    const Weights weights = all / "decoder";
    const int64_t stages = config.stages(), latents = config.latentChannels;
    int64_t width = config.decoderBaseDim * config.widths.back();
    postQuant_ = PointConv(all / "post_quant_conv", latents, latents, 3);
    const Weights exact = weights.withConvolutions(weights.dtype());
    in_ = CausalConv3d(exact / "conv_in", latents, width, {3, 3, 3});
    middle_.emplace_back(weights / "mid_block", width);
    for (int64_t index = 0; index < stages; ++index) {
        const Weights scope = weights / "up_blocks" / static_cast<int>(index);
        const int64_t out = config.decoderBaseDim * config.widths[stages - 1 - index];
        const bool last = index == stages - 1;
        Stage stage;
        for (int64_t block = 0; block <= config.residualBlocks; ++block) {
            stage.blocks.emplace_back(scope / "resnets" / static_cast<int>(block), width, out);
            width = out;
        }
        if (!last) {
            const bool time = config.halveTime[stages - 2 - index];
            stage.timeFactor = time ? 2 : 1;
            if (time) timedStages_ = static_cast<size_t>(index) + 1;
            // The first form halves the width on the way up, the residual form keeps it.
            width = residual_ ? out : out / 2;
            stage.up.emplace(scope / (residual_ ? "upsampler" : "upsamplers.0"), out, width, time);
        }
        stages_.push_back(std::move(stage));
    }
    width_ = width;
    norm_ = ChannelNorm(weights / "norm_out", width, 3);
    out_ = CausalConv3d(exact / "conv_out", width, config.outChannels, {3, 3, 3});
}

at::Tensor VaeDecoder::features(const at::Tensor& x, VaeCache& cache) const {
    cache.rewind();
    at::Tensor y = in_(postQuant_(x), cache.next());
    y = middle_.front()(y, cache);
    // The residual form adds what enters a stage to what leaves it.
    if (residual_) return y;
    for (const VaeResidualBlock& block : stages_.front().blocks) y = block(y, cache);
    return y;
}

at::Tensor VaeDecoder::pixels(const at::Tensor& features, VaeCache& cache) const {
    cache.rewind();
    at::Tensor y = features;
    for (size_t i = 0; i < timedStages_; ++i) y = stage(i, y, cache);
    const int64_t scale = int64_t{1} << (stages_.size() - 1);
    const int64_t area = features.size(1) * scale * features.size(2) * scale;
    const int64_t together = framesTogether(area * width_, numbersAtOnce_);
    return inPieces(y, together, cache, [&](const at::Tensor& frames) {
        at::Tensor z = frames;
        for (size_t i = timedStages_; i < stages_.size(); ++i) z = stage(i, z, cache);
        return normedConv(norm_, out_, z, cache);
    });
}

/// A chunk through a stage; the first form's first one has its blocks among `features`.
at::Tensor VaeDecoder::stage(size_t index, const at::Tensor& x, VaeCache& cache) const {
    const Stage& stage = stages_[index];
    at::Tensor y = x;
    if (residual_ || index > 0)
        for (const VaeResidualBlock& block : stage.blocks) y = block(y, cache);
    if (!stage.up) return y;
    y = (*stage.up)(y, cache);
    if (residual_) addUnfolded(y, x, stage.timeFactor);
    return y;
}

}  // namespace derrumbe::model
