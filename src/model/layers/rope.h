#pragma once
#include <ATen/ATen.h>

#include <array>
#include <cstdint>

namespace derrumbe::model {

/// Rotary position tables for tokens on a (time, row, column) grid: one complex number cos + i sin
/// a token and channel pair, [tokens, headSize / 2] complex64 on the CPU. Su et al. 2021
/// (RoFormer); the split over the axes is Wan's: rows and columns take 2*(D/6) channels each, time
/// the rest (diffusers:models/transformers/transformer_wan.py, WanRotaryPosEmbed). Angles, cosines
/// and sines are taken in float64 and rounded to float32 once, which is bit-equal to the reference.
/// @param sizes tokens along time, rows, columns. Throws Error(Model) where one is above `longest`.
at::Tensor ropeTable(int64_t headSize, const std::array<int64_t, 3>& sizes, int64_t longest = 1024);

/// Rotates neighbouring channels (2j, 2j+1) of x [B, L, H*D] by the table's angle, times
/// `rowFactor` [B, L, 1] (an RMS norm's factor, which commutes with the rotation and is cheapest
/// applied to the table, H times smaller than x; undefined: 1). Gives [B, L, H, D] in `dtype`.
at::Tensor rotate(const at::Tensor& x, int64_t heads, const at::Tensor& table,
                  const at::Tensor& rowFactor, at::ScalarType dtype);

}  // namespace derrumbe::model
