#pragma once
#include <ATen/ATen.h>

#include "model/weights/gguf_blocks.h"

namespace derrumbe::model {

/// The same numbers as `dequantise` gives, to the bit, by LibTorch's operators, which run where the
/// blocks lie: for cards. On a processor they take several passes where its loops take one.
/// @param type   with blocks, not of plain numbers
/// @param blocks [rows, n * type.bytes] uint8
/// @return [rows, n * type.values] float32
at::Tensor dequantiseRows(const GgufType& type, const at::Tensor& blocks);

}  // namespace derrumbe::model
