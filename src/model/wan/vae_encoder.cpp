#include "model/wan/vae_encoder.h"

#include "model/wan/vae_pieces.h"

namespace derrumbe::model {

VaeEncoder::VaeEncoder(const Weights& all, const VaeConfig& config, int64_t numbersAtOnce)
    : width_(config.baseDim), numbersAtOnce_(numbersAtOnce) {
    const Weights weights = all / "encoder";
    const Weights exact = weights.withConvolutions(weights.dtype());
    in_ = CausalConv3d(exact / "conv_in", config.inChannels, config.baseDim, {3, 3, 3});
    if (config.residual)
        buildStages(weights / "down_blocks", config);
    else
        buildLayers(weights / "down_blocks", config);
    const int64_t width = config.baseDim * config.widths.back();
    const int64_t moments = 2 * config.latentChannels;
    middle_.emplace_back(weights / "mid_block", width);
    norm_ = ChannelNorm(weights / "norm_out", width, 3);
    out_ = CausalConv3d(exact / "conv_out", width, moments, {3, 3, 3});
    quant_ = PointConv(all / "quant_conv", moments, moments, 3).firstOutputs(config.latentChannels);
}

void VaeEncoder::buildStages(const Weights& weights, const VaeConfig& config) {
    int64_t width = config.baseDim;
    for (int64_t index = 0; index < config.stages(); ++index) {
        const Weights scope = weights / static_cast<int>(index);
        const bool last = index == config.stages() - 1;
        Stage stage;
        stage.out = config.baseDim * config.widths[index];
        for (int64_t block = 0; block < config.residualBlocks; ++block) {
            stage.blocks.emplace_back(scope / "resnets" / static_cast<int>(block), width,
                                      stage.out);
            width = stage.out;
        }
        if (!last) {
            stage.timeFactor = config.halveTime[index] ? 2 : 1;
            stage.spaceFactor = 2;
            stage.down.emplace(scope / "downsampler", stage.out, config.halveTime[index]);
        }
        stages_.push_back(std::move(stage));
    }
    while (untimed_ + 1 < stages_.size() && stages_[untimed_].timeFactor == 1) ++untimed_;
}

void VaeEncoder::buildLayers(const Weights& weights, const VaeConfig& config) {
    lastLayers_ = static_cast<size_t>(config.residualBlocks);
    int64_t width = config.baseDim;
    const auto scope = [&] { return weights / static_cast<int>(layers_.size()); };
    for (int64_t index = 0; index < config.stages(); ++index) {
        const int64_t out = config.baseDim * config.widths[index];
        for (int64_t block = 0; block < config.residualBlocks; ++block) {
            layers_.emplace_back(VaeResidualBlock(scope(), width, out));
            width = out;
        }
        if (index == config.stages() - 1) break;
        layers_.emplace_back(VaeDownsample(scope(), out, config.halveTime[index]));
    }
    const auto timed = [](const Layer& layer) {
        const auto* down = std::get_if<VaeDownsample>(&layer);
        return down != nullptr && down->halvesTime();
    };
    while (untimed_ + lastLayers_ < layers_.size() && !timed(layers_[untimed_])) ++untimed_;
}

at::Tensor VaeEncoder::stage(const Stage& stage, const at::Tensor& x, VaeCache& cache) const {
    at::Tensor y = x;
    for (const VaeResidualBlock& block : stage.blocks) y = block(y, cache);
    if (stage.down) y = (*stage.down)(y, cache);
    return y + foldMean(x, stage.out, stage.timeFactor, stage.spaceFactor);
}

at::Tensor VaeEncoder::layer(const Layer& layer, const at::Tensor& x, VaeCache& cache) const {
    if (const auto* block = std::get_if<VaeResidualBlock>(&layer)) return (*block)(x, cache);
    return std::get<VaeDownsample>(layer)(x, cache);
}

at::Tensor VaeEncoder::features(const at::Tensor& x, VaeCache& cache) const {
    cache.rewind();
    const int64_t together = framesTogether(x.size(1) * x.size(2) * width_, numbersAtOnce_);
    at::Tensor y = inPieces(x, together, cache, [&](const at::Tensor& frames) {
        at::Tensor z = in_(frames, cache.next());
        for (size_t i = 0; i < untimed_; ++i)
            z = stages_.empty() ? layer(layers_[i], z, cache) : stage(stages_[i], z, cache);
        return z;
    });
    for (size_t i = untimed_; i + 1 < stages_.size(); ++i) y = stage(stages_[i], y, cache);
    for (size_t i = untimed_; i + lastLayers_ < layers_.size(); ++i)
        y = layer(layers_[i], y, cache);
    return y;
}

at::Tensor VaeEncoder::means(const at::Tensor& features, VaeCache& cache) const {
    cache.rewind();
    at::Tensor y = features;
    if (!stages_.empty()) y = stage(stages_.back(), y, cache);
    for (size_t i = layers_.size() - lastLayers_; i < layers_.size(); ++i)
        y = layer(layers_[i], y, cache);
    y = middle_.front()(y, cache);
    return quant_(normedConv(norm_, out_, y, cache));
}

}  // namespace derrumbe::model
