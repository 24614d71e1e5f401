#pragma once
#include "model/description.h"
#include "model/wan/vae_config.h"

namespace derrumbe::model {

/// FLOPs and memory of an AutoencoderKLWan, counted over its convolutions. The attention of the
/// middle block, whose cost grows with the picture's area squared, is left out: under 2 % of a
/// decode at 480 x 832.
Description::VaeCost vaeCost(const VaeConfig& config);

}  // namespace derrumbe::model
