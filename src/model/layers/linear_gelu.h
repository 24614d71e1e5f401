#pragma once
#include <ATen/ATen.h>

#include "model/layers/linear.h"

namespace derrumbe::model {

/// gelu(x W^T + b), GELU in its tanh form. On the CPU in float32, and in bfloat16 where it
/// multiplies that, one pass of oneDNN, on a card in 16 bits one of cuBLAS, which spares a way
/// through memory, as our own of products in int8 on the CPU; where a build of LibTorch has none,
/// of other products in 8 bits, and elsewhere, two steps.
at::Tensor linearGelu(const Linear& linear, const at::Tensor& x);

}  // namespace derrumbe::model
