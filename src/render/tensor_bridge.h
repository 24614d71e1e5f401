#pragma once
#include <ATen/ATen.h>

#include "support/frames.h"

namespace derrumbe::render {

/// [1, 3, F, H, W] float32 in [-1, 1]; the one place where clips become tensors. Copies.
at::Tensor tensorFromClip(const Clip& clip);
/// [1, 1, F, H, W] float32, 1 = generate.
at::Tensor tensorFromMask(const ClipMask& mask);
/// Back, clamped to [-1, 1].
Clip clipFromTensor(const at::Tensor& video);

}  // namespace derrumbe::render
