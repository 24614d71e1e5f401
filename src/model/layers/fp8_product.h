#pragma once
#include <ATen/ATen.h>

#include "model/weights/packed_matrix.h"

namespace derrumbe::model {

// Products of matrices that are both in float8 e4m3 with a float32 factor a row, which cards have
// units for (compute capability 8.9 or higher): twice as fast as those of 16 bits. A number keeps 3
// bits after the first, so that it is off by a 16th at most, and by some 2.6 % as a root mean
// square; so is a sum of many products of them, by some 3.7 %. Micikevicius et al. 2022, "FP8
// Formats for Deep Learning", section 3.

/// The rows of x [..., columns] in float8 e4m3, their greatest magnitudes being its greatest number
/// (448). A row of zeros stays so.
Fp8Rows fp8Rows(const at::Tensor& x);

/// Whether units for 8 bits take a matrix: they read 16 numbers at a time.
bool fitsFp8Product(const Fp8Rows& weight);

/// x W^T + b, [x's rows, weight's rows], computed from the numbers that are given, summed in
/// float32 (on cards in somewhat less), in the type `dtype`.
/// @param bias [weight's rows] in that type, or undefined
at::Tensor fp8Product(const Fp8Rows& x, const Fp8Rows& weight, const at::Tensor& bias,
                      at::ScalarType dtype);

/// Throws Error(Usage) where the device, or this LibTorch on it, has no such products.
void requireFp8Products(at::Device device);

}  // namespace derrumbe::model
