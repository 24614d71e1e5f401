#pragma once
#include <ATen/ATen.h>

#include <optional>
#include <vector>

#include "model/description.h"
#include "model/wan/vae_blocks.h"
#include "model/wan/vae_config.h"

namespace derrumbe::model {

/// Latents to pixels, a chunk at a time. Keys below `decoder.`, and `post_quant_conv`.
class VaeDecoder {
  public:
    /// @param numbersAtOnce  as for `framesTogether`, here and in the encoder
    VaeDecoder(const Weights& weights, const VaeConfig& config,
               int64_t numbersAtOnce = kNumbersAtOnce);

    /// What is at the latents' resolution: a chunk of latents [T, h, w, latentChannels], not
    /// normalised (one latent frame first, then any number), to features [T, h, w, width]. Each way
    /// has a cache of its own.
    at::Tensor features(const at::Tensor& x, VaeCache& cache) const;

    /// The rest: a chunk of features to [T', H / patch, W / patch, 3 patch^2], not clamped.
    at::Tensor pixels(const at::Tensor& features, VaeCache& cache) const;

  private:
    struct Stage {
        std::vector<VaeResidualBlock> blocks;
        std::optional<VaeUpsample> up;
        int64_t timeFactor = 1;
    };

    at::Tensor stage(size_t index, const at::Tensor& x, VaeCache& cache) const;

    PointConv postQuant_;
    CausalConv3d in_;
    std::vector<VaeMiddle> middle_;
    std::vector<Stage> stages_;
    size_t timedStages_ = 0;  ///< up to the last that doubles frames; the others see frames alone
    int64_t width_ = 0;       ///< of the last stage
    bool residual_ = false;
    int64_t numbersAtOnce_ = 0;
    ChannelNorm norm_;
    CausalConv3d out_;
};

}  // namespace derrumbe::model
