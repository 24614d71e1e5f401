#pragma once
#include <ATen/ATen.h>

#include "model/weights/weights.h"

namespace derrumbe::model {

/// RMS norm over the channels of [..., C]: x / max(|x|_2, 1e-12) * sqrt(C) * gamma, in float32
/// whatever x is (diffusers:autoencoder_kl_wan.py, WanRMS_norm). Key: gamma [C, 1, ...].
class ChannelNorm {
  public:
    ChannelNorm() = default;
    /// @param dimensions  2 (images) or 3 (clips): the trailing ones of gamma in the file.
    ChannelNorm(const Weights& weights, int64_t channels, int dimensions);

    /// The norm of x, a new tensor.
    at::Tensor operator()(const at::Tensor& x) const;
    /// SiLU of the norm, written to `out` (x's shape, contiguous). On the CPU, of float32 and
    /// bfloat16 and to x's dtype or to bfloat16, this is one pass over memory.
    void siluInto(const at::Tensor& x, const at::Tensor& out) const;

  private:
    at::Tensor gain_;  ///< gamma * sqrt(C), [C] float32
};

}  // namespace derrumbe::model
