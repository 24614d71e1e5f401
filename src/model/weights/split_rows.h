#pragma once
#include <memory>
#include <string>
#include <vector>

#include "model/weights/tensor_source.h"

namespace derrumbe::model {

/// The tensors of `file`, where each module whose name ends in `joint` (a dot before it) stands for
/// `parts` of equal size that lie in its rows one after the other: "x.qkv.weight" [3 n, m] is
/// "x.q.weight", "x.k.weight" and "x.v.weight", [n, m] each. Joint tensors whose rows the parts do
/// not divide stay as they are.
std::shared_ptr<const TensorSource> splitRows(std::shared_ptr<const TensorSource> file,
                                              const std::string& joint,
                                              const std::vector<std::string>& parts);

}  // namespace derrumbe::model
