#pragma once
#include <ATen/ATen.h>

#include <optional>
#include <vector>

#include "model/wan/vae_blocks.h"
#include "model/wan/vae_config.h"

namespace derrumbe::model {

/// Latents to pixels, a chunk at a time. Keys below `decoder.`, and `post_quant_conv`.
class VaeDecoder {
  public:
    VaeDecoder(const Weights& weights, const VaeConfig& config);

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

    PointConv postQuant_;
    CausalConv3d in_;
    std::vector<VaeMiddle> middle_;
    std::vector<Stage> stages_;
    bool residual_ = false;
    ChannelNorm norm_;
    CausalConv3d out_;
};

}  // namespace derrumbe::model
