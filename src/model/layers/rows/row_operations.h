#pragma once
#include <ATen/ATen.h>

#include "model/layers/rows/rows.h"

/// Norms, rotation and gated sums of tokens in one pass each: on a CUDA card by kernels of our own
/// (card_kernels.h; not in a build that was made without nvcc or without LibTorch's CUDA half), on
/// a processor by loops (processor_loops.h). Where x is not for them `able` is false, and the
/// layers put the same together from LibTorch's operators.
namespace derrumbe::model::rows {

/// x [B, L, d], which `able` takes, as loops and kernels see it.
Rows rowsOf(const at::Tensor& x);

/// Whether the functions below take x [B, L, d]: the rows of a batch without gaps; on a card
/// float32, float16 or bfloat16 and d a multiple of 8, on a processor float32 or bfloat16.
bool able(const at::Tensor& x);

/// layerNorm32 of x, a new tensor. @param weight, bias [d] float32, or undefined
at::Tensor layerNorm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                     double epsilon);

/// Whether `rmsRotate` takes x with so many heads: `able`, and heads of an even width, on a card a
/// multiple of 8.
bool ableToRotate(const at::Tensor& x, int64_t heads);

/// RMS norm times `gain` [d] float32, then `rotate` by `table` [L, d / heads / 2] complex64: a new
/// tensor [B, L, heads, d / heads] in x's dtype, which is rounded once.
at::Tensor rmsRotate(const at::Tensor& x, const at::Tensor& gain, const at::Tensor& table,
                     int64_t heads, double epsilon);

/// x / rms(x), in place.
void rmsNormalise(const at::Tensor& x, double epsilon);

/// x += y * gate, in place, the product and the sum in float32. @param gate [d] float32
void addGated(const at::Tensor& x, const at::Tensor& y, const at::Tensor& gate);

}  // namespace derrumbe::model::rows
