#pragma once
#include <ATen/ATen.h>

#include <memory>

#include "model/weights/weights.h"

namespace derrumbe::model {

/// y = x W^T + b over the last dimension. Keys: weight [out, in], bias [out]. Of weights that stay
/// packed the matrix is unpacked for each call.
struct Linear {
    at::Tensor bias;  ///< undefined where the layer has none

    Linear() = default;
    Linear(const Weights& weights, int64_t in, int64_t out, bool withBias = true)
        : packed_(weights.packed("weight", {out, in})), dtype_(weights.dtype()) {
        if (!packed_) whole_ = weights.tensor("weight", {out, in});
        if (withBias) bias = weights.tensor("bias", {out});
    }

    at::Tensor operator()(const at::Tensor& x) const { return at::linear(x, weight(), bias); }

    at::Tensor weight() const { return packed_ ? packed_->unpacked(dtype_) : whole_; }
    at::ScalarType dtype() const { return dtype_; }

  private:
    std::shared_ptr<const PackedMatrix> packed_;  ///< in the place of `whole_`
    at::Tensor whole_;
    at::ScalarType dtype_ = at::kFloat;
};

}  // namespace derrumbe::model
