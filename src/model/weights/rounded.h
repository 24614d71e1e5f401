#pragma once
#include <functional>
#include <memory>
#include <string>

#include "model/memory_ways.h"
#include "model/weights/tensor_source.h"

namespace derrumbe::model {

/// The tensors of a model part with some of its matrices [out, in] rounded to 8 bits, one scale a
/// row: to whole numbers of -127 to 127 (int8) or to float8 e4m3 (up to 448), the row's greatest
/// magnitude being the greatest number. Only packed they are rounded (`TensorSource::packed`), when
/// they are asked for: `read` gives them as they were. Matrices that are that small already stay as
/// they are.
/// @param which matrices, by their names
std::shared_ptr<const TensorSource> rounded(std::shared_ptr<const TensorSource> source,
                                            Rounding rounding,
                                            const std::function<bool(const std::string&)>& which);

}  // namespace derrumbe::model
