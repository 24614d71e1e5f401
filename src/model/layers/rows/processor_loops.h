#pragma once
#include "model/layers/rows/rows.h"

/// The same over the rows of a processor's memory: what LibTorch does in two to eight passes, with
/// as many copies of the tokens, in one; on all threads. Rows are of float32 or bfloat16.
namespace derrumbe::model::rows::processor {

/// (x - mean) / sqrt(variance + eps) * weight + bias for each row, in float32, rounded once.
/// @param to like `x`; may be the same
/// @param weight, bias [width] float32
void layerNorm(const Rows& x, const Rows& to, const float* weight, const float* bias, float eps);

/// x / sqrt(mean(x^2) + eps) * gain for each row, then each pair of neighbouring channels times a
/// complex number, in float32, rounded once.
/// @param to like `x`; may be the same
/// @param gain [width] float32
/// @param table [length, headSize / 2] complex of two float32, for each head the same
void rmsRotate(const Rows& x, const Rows& to, const float* gain, const float* table,
               std::int64_t headSize, float eps);

/// x / sqrt(mean(x^2) + eps) for each row, in float32, rounded once.
void rmsNormalise(const Rows& x, float eps);

/// x += y * gate, in float32, rounded once.
/// @param y like `x`
/// @param gate [width] float32
void addGated(const Rows& x, const Rows& y, const float* gate);

/// Each row over the factor that takes its greatest magnitude to 127, to the nearest whole number.
/// @param x one batch
/// @param numbers [x.length, width]
/// @param factors [x.length]; of a row of zeros the smallest normal float32, of one with
/// numbers that are not finite NaN
void int8Rows(const Rows& x, std::int8_t* numbers, float* factors);

/// Sums of products of such rows with such rows of weights as numbers: times the factors of both,
/// plus a bias, perhaps GELU in its tanh form, rounded once.
/// @param sums [rows of all batches, to.width]
/// @param rowFactors [rows of all batches]
/// @param columnFactors, bias [to.width]; no bias: null
void scaleSums(const std::int32_t* sums, const float* rowFactors, const float* columnFactors,
               const float* bias, bool gelu, const Rows& to);

}  // namespace derrumbe::model::rows::processor
