#pragma once
#include <ATen/ATen.h>

#include "model/weights/packed_matrix.h"

/// row_operations.h for x on a CUDA card, where each function is said to do what; layers call that
/// header. Where this build has no kernels (it was made without nvcc or without LibTorch's CUDA
/// half), or x is not for them, `able` is false.
namespace derrumbe::model::rows::card {

bool able(const at::Tensor& x);
bool ableToRotate(const at::Tensor& x, int64_t heads);
at::Tensor layerNorm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                     double eps);
at::Tensor rmsRotate(const at::Tensor& x, const at::Tensor& gain, const at::Tensor& table,
                     int64_t heads, double eps);
void rmsNormalise(const at::Tensor& x, double eps);
void addGated(const at::Tensor& x, const at::Tensor& y, const at::Tensor& gate);

/// The rows of x in float8, as model::byteRows gives them.
ByteRows fp8Rows(const at::Tensor& x);

}  // namespace derrumbe::model::rows::card
