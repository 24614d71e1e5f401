#pragma once
#include <ATen/ATen.h>

#include "model/layers/linear_product.h"
#include "model/memory_ways.h"
#include "model/weights/packed_matrix.h"

namespace derrumbe::model {

// Products of matrices that are both in 8 bits with a float32 factor a row.
//
// Float8 e4m3: a number keeps 3 bits after the first, so that it is off by a 16th at most, and by
// some 2.6 % as a root mean square; so is a sum of many products of them, by some 3.7 %. Cards of
// compute capability 8.9 or higher have units for it, twice as fast as those of 16 bits.
// Micikevicius et al. 2022, "FP8 Formats for Deep Learning", section 3.
//
// Whole numbers of -127 to 127 (int8): off by up to half of a 127th of its row's greatest, which of
// normally distributed rows is some 1 % as a root mean square. Sums are exact. Processors with
// AVX-512 VNNI or AMX multiply them twice as fast as bfloat16 and four times as fast as float32,
// cards since Turing twice as fast as 16 bits. Dettmers et al. 2022, "LLM.int8()", section 2.1.

/// The rows of x [..., columns] in 8 bits, their greatest magnitudes being the greatest number (127
/// or 448). A row of zeros stays so.
ByteRows byteRows(const at::Tensor& x, Rounding kind);

/// Whether units for 8 bits take a matrix: they read 16 numbers at a time.
bool fitsByteProduct(const ByteRows& weight);

/// x W^T + b, [x's rows, weight's rows], computed from the numbers that are given, both of one
/// kind; summed in float32 (float8 on cards in somewhat less) or exactly (int8), in the type
/// `dtype`.
/// @param bias [weight's rows] in that type, or undefined
/// @param finish Gelu: its tanh form
at::Tensor byteProduct(const ByteRows& x, const ByteRows& weight, const at::Tensor& bias,
                       at::ScalarType dtype, Finish finish = Finish::None);

/// Throws Error(Usage) where the device, or this LibTorch on it, has no such products.
void requireByteProducts(at::Device device, Rounding kind);

}  // namespace derrumbe::model
