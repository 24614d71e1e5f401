#pragma once
#include <cstdint>

#include "model/layers/rows/rows.h"

/// CUDA kernels over rows of channels: what LibTorch does in four to six passes over the tokens, in
/// one. Plain pointers on the card, so that nvcc need not read ATen's headers; `row_operations.h`
/// is what layers call. Every kernel is launched on `stream` (a cudaStream_t) and not waited for.
namespace derrumbe::model::rows::card {

constexpr std::int64_t kVector = 8;  ///< numbers that a thread reads at once
constexpr std::int64_t kWidest = 16384;

/// (x - mean) / sqrt(variance + eps) * weight + bias for each row, in float32, rounded once.
/// @param to like `x`; may be the same
/// @param weight, bias [width] float32; null: 1, 0
void layerNorm(const Rows& x, const Rows& to, const float* weight, const float* bias, float eps,
               void* stream);

/// x / sqrt(mean(x^2) + eps) * gain for each row, then each pair of neighbouring channels times a
/// complex number, in float32, rounded once.
/// @param to like `x`; may be the same
/// @param gain [width] float32; null: 1
/// @param table [length, headSize / 2] complex of two float32, for each head the same; null: 1
void rmsRotate(const Rows& x, const Rows& to, const float* gain, const float* table,
               std::int64_t headSize, float eps, void* stream);

/// x += y * gate, in float32, rounded once.
/// @param y like `x`
/// @param gate [width] float32
void addGated(const Rows& x, const Rows& y, const float* gate, void* stream);

/// Each row over the factor that takes its greatest magnitude to 448, as float8 e4m3.
/// @param numbers [batches * length, width] float8
/// @param factors [batches * length]; of a row of zeros the smallest normal float32
void fp8Rows(const Rows& x, void* numbers, float* factors, void* stream);

}  // namespace derrumbe::model::rows::card
