#include "model/wan/vae_encoder.h"

namespace derrumbe::model {

VaeEncoder::VaeEncoder(const Weights& all, const VaeConfig& config) {
    const Weights weights = all / "encoder";
    in_ = CausalConv3d(weights / "conv_in", config.inChannels, config.baseDim, {3, 3, 3});
    if (config.residual)
        buildStages(weights / "down_blocks", config);
    else
        buildLayers(weights / "down_blocks", config);
    const int64_t width = config.baseDim * config.widths.back();
    const int64_t moments = 2 * config.latentChannels;
    middle_.emplace_back(weights / "mid_block", width);
    norm_ = ChannelNorm(weights / "norm_out", width, 3);
    out_ = CausalConv3d(weights / "conv_out", width, moments, {3, 3, 3});
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
}

void VaeEncoder::buildLayers(const Weights& weights, const VaeConfig& config) {
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
}

at::Tensor VaeEncoder::operator()(const at::Tensor& x, VaeCache& cache) const {
    cache.rewind();
    at::Tensor y = in_(x, cache.next());
    for (const Stage& stage : stages_) {
        const at::Tensor before = y;
        for (const VaeResidualBlock& block : stage.blocks) y = block(y, cache);
        if (stage.down) y = (*stage.down)(y, cache);
        y = y + foldMean(before, stage.out, stage.timeFactor, stage.spaceFactor);
    }
    for (const Layer& layer : layers_) {
        if (const auto* block = std::get_if<VaeResidualBlock>(&layer))
            y = (*block)(y, cache);
        else
            y = std::get<VaeDownsample>(layer)(y, cache);
    }
    y = middle_.front()(y, cache);
    return quant_(normedConv(norm_, out_, y, cache));
}

}  // namespace derrumbe::model
