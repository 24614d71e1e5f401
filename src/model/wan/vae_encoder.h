#pragma once
#include <ATen/ATen.h>

#include <variant>
#include <vector>

#include "model/description.h"
#include "model/wan/vae_blocks.h"
#include "model/wan/vae_config.h"

namespace derrumbe::model {

/// Pixels to the means of the latent distribution, a chunk at a time. Keys below `encoder.`, and
/// `quant_conv`.
class VaeEncoder {
  public:
    VaeEncoder(const Weights& weights, const VaeConfig& config,
               int64_t numbersAtOnce = kNumbersAtOnce);

    /// What is above the latents' resolution: a chunk [T, H / patch, W / patch, 3 patch^2] (one
    /// frame first, then multiples of 4) to features [T', h, w, width]. Each way has a cache of its
    /// own.
    at::Tensor features(const at::Tensor& x, VaeCache& cache) const;

    /// The rest: a chunk of features to [T', h, w, latentChannels], not normalised.
    at::Tensor means(const at::Tensor& features, VaeCache& cache) const;

  private:
    struct Stage {  ///< the residual form's
        std::vector<VaeResidualBlock> blocks;
        std::optional<VaeDownsample> down;
        int64_t out = 0, timeFactor = 1, spaceFactor = 1;
    };
    using Layer = std::variant<VaeResidualBlock, VaeDownsample>;

    at::Tensor stage(const Stage& stage, const at::Tensor& x, VaeCache& cache) const;
    at::Tensor layer(const Layer& layer, const at::Tensor& x, VaeCache& cache) const;
    void buildStages(const Weights& weights, const VaeConfig& config);
    void buildLayers(const Weights& weights, const VaeConfig& config);

    CausalConv3d in_;
    std::vector<Stage> stages_;  ///< residual form
    std::vector<Layer> layers_;  ///< first form: a flat list, as its keys are
    size_t lastLayers_ = 0;      ///< of these at the latents' resolution
    size_t untimed_ = 0;         ///< stages or layers before the first that halves time
    int64_t width_ = 0;          ///< of the first stage
    int64_t numbersAtOnce_ = 0;
    std::vector<VaeMiddle> middle_;
    ChannelNorm norm_;
    CausalConv3d out_;
    PointConv quant_;  ///< only the means' half of quant_conv
};

}  // namespace derrumbe::model
