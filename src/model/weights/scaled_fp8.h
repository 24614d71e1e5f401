#pragma once
#include <memory>

#include "model/weights/tensor_source.h"

namespace derrumbe::model {

/// Weights of 8 bits with their scales multiplied in, as float32, and without the tensors that say
/// so; the source itself where it has none of those. A weight X.weight is scaled by X.scale_weight
/// or X.weight_scale: one number, one a row, or [out, blocks, 1] (blocks along a row).
/// `scaled_fp8`, X.scale_input, X.input_scale and X.comfy_quant are about products in 8 bits with
/// one scale for all inputs, which are not made here (Linear's have one a row, of what they are
/// given). Comfy-Org/ComfyUI:comfy/ops.py, comfy/utils.py; kohya-ss/musubi-tuner:
/// src/musubi_tuner/modules/fp8_optimization_utils.py. Throws Error(Model) with every scale that
/// has no weight or does not fit it.
std::shared_ptr<const TensorSource> withScales(std::shared_ptr<const TensorSource> file);

}  // namespace derrumbe::model
