#pragma once
#include <ATen/ATen.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "model/layers/causal_conv3d.h"
#include "model/layers/channel_norm.h"
#include "model/wan/vae_cache.h"
#include "model/weights/weights.h"

namespace derrumbe::model {

// The parts of AutoencoderKLWan (diffusers:models/autoencoders/autoencoder_kl_wan.py). Activations
// are chunks of a clip, [T, H, W, C]; what a layer must know of earlier chunks is in the cache. The
// first chunk of a clip is one frame (one latent frame).

/// SiLU(norm(x)) through a causal 3x3x3 convolution, the normalised chunk written where the
/// convolution reads it.
at::Tensor normedConv(const ChannelNorm& norm, const CausalConv3d& conv, const at::Tensor& x,
                      VaeCache& cache);

/// norm, SiLU, conv, norm, SiLU, conv, added to x (through a 1x1x1 convolution where the width
/// changes). Keys: norm1, conv1, norm2, conv2, conv_shortcut.
class VaeResidualBlock {
  public:
    VaeResidualBlock(const Weights& weights, int64_t in, int64_t out);
    at::Tensor operator()(const at::Tensor& x, VaeCache& cache) const;

  private:
    ChannelNorm norm1_, norm2_;
    CausalConv3d conv1_, conv2_;
    PointConv shortcut_;  ///< undefined where the width stays
};

/// One-headed attention over the pixels of each frame, added to x. Keys: norm, to_qkv, proj.
class VaeAttention {
  public:
    VaeAttention(const Weights& weights, int64_t channels);
    at::Tensor operator()(const at::Tensor& x) const;

  private:
    ChannelNorm norm_;
    PointConv qkv_, project_;
};

/// Residual block, attention, residual block. Keys: resnets.0, attentions.0, resnets.1.
class VaeMiddle {
  public:
    VaeMiddle(const Weights& weights, int64_t channels);
    at::Tensor operator()(const at::Tensor& x, VaeCache& cache) const;

  private:
    VaeResidualBlock first_;
    VaeAttention attention_;
    VaeResidualBlock second_;
};

/// Halves height and width, and time where asked. The first chunk's time is not halved: it is only
/// remembered. Keys: resample.1, time_conv.
class VaeDownsample {
  public:
    VaeDownsample(const Weights& weights, int64_t channels, bool time);
    at::Tensor operator()(const at::Tensor& x, VaeCache& cache) const;
    bool halvesTime() const { return time_.has_value(); }

  private:
    FrameConv conv_;
    std::optional<CausalConv3d> time_;
};

/// Doubles height and width, and time where asked. The first chunk's time is not doubled, nor
/// remembered: the second one sees zeros before it. Keys: resample.1, time_conv.
class VaeUpsample {
  public:
    VaeUpsample(const Weights& weights, int64_t in, int64_t out, bool time);
    at::Tensor operator()(const at::Tensor& x, VaeCache& cache) const;

  private:
    DoublingConv conv_;
    std::optional<CausalConv3d> time_;
};

/// AvgDown3D: space (and time) folded into the channels, channels averaged in groups down to `out`.
/// [T, H, W, in] to [ceil(T / ft), H / fs, W / fs, out]; zero frames are put in front where ft does
/// not divide T.
at::Tensor foldMean(const at::Tensor& x, int64_t out, int64_t timeFactor, int64_t spaceFactor);

/// DupUp3D added to `y` in place: the channels of x [T, H, W, in] repeated and unfolded into time
/// and space, y [T * ft, H * 2, W * 2, out]. Where y has fewer frames (the first chunk), the first
/// ones of the unfolded are dropped.
void addUnfolded(const at::Tensor& y, const at::Tensor& x, int64_t timeFactor);

}  // namespace derrumbe::model
