#pragma once
#include <ATen/ATen.h>

namespace derrumbe::model {

/// What is done to a product before it is rounded and written.
enum class Finish { None, Gelu };

/// x W^T + b, and what finishes it. One pass where a build of LibTorch has one that is faster:
/// oneDNN's on a processor, in bfloat16 where that multiplies it, and with Gelu in float32 as well;
/// cuBLAS's with Gelu on a card in 16 bits. Each spares a way through memory.
/// @param x      [..., in]
/// @param weight [out, in]
/// @param bias   [out], or undefined
/// @param finish Gelu: its tanh form
/// @returns [..., out]
at::Tensor linearProduct(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                         Finish finish = Finish::None);

}  // namespace derrumbe::model
