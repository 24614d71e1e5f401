#pragma once
#include <filesystem>
#include <memory>

#include "model/weights/tensor_source.h"

namespace derrumbe::model {

/// Tensors of a GGUF file, memory-mapped. Quantised ones are given as float32 and are dequantised
/// each time they are read, so that nothing else has to know of them. A T5 vocabulary that the
/// metadata holds is given as ComfyUI's files hold theirs: a tensor `spiece_model` of bytes. Throws
/// Error(Model).
std::unique_ptr<TensorSource> openGguf(const std::filesystem::path& file);

}  // namespace derrumbe::model
