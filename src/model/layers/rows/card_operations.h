#pragma once
#include <ATen/ATen.h>

#include <functional>

#include "model/weights/packed_matrix.h"

/// What CUDA cards have of row_operations.h: which tokens the kernels (card_kernels.h) take, and
/// how they are launched. Where this build has none (it was made without nvcc or without LibTorch's
/// CUDA half), `able` is false and the kernels throw.
namespace derrumbe::model::rows::card {

bool able(const at::Tensor& x);
bool ableToRotate(const at::Tensor& x, int64_t heads);

/// Calls `work` with x's card as the current one and its current stream, for the kernels.
void launch(const at::Tensor& x, const std::function<void(void* stream)>& work);

/// The rows of x in float8, as model::byteRows gives them.
ByteRows fp8Rows(const at::Tensor& x);

}  // namespace derrumbe::model::rows::card
