#pragma once
#include <ATen/ATen.h>

#include <string>

#include "model/weights/weights.h"

namespace derrumbe::model {

/// y = x W^T + b over the last dimension. Keys: weight [out, in], bias [out].
struct Linear {
    at::Tensor weight, bias;  ///< bias undefined where the layer has none

    Linear() = default;
    Linear(const Weights& weights, int64_t in, int64_t out, bool withBias = true)
        : weight(weights.tensor("weight", {out, in})) {
        if (withBias) bias = weights.tensor("bias", {out});
    }

    at::Tensor operator()(const at::Tensor& x) const { return at::linear(x, weight, bias); }
};

}  // namespace derrumbe::model
