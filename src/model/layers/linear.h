#pragma once
#include <ATen/ATen.h>

#include <memory>
#include <optional>
#include <utility>

#include "model/layers/fp8_product.h"
#include "model/weights/weights.h"

namespace derrumbe::model {

/// What linear layers are given, [..., in]. Those that multiply in 8 bits and are given the same
/// one share its rounding.
class LinearInput {
  public:
    LinearInput(at::Tensor x) : x_(std::move(x)) {}  // NOLINT: any tensor is one

    const at::Tensor& whole() const { return x_; }
    const Fp8Rows& rounded() const {
        if (!rounded_) rounded_ = fp8Rows(x_);
        return *rounded_;
    }

  private:
    at::Tensor x_;
    mutable std::optional<Fp8Rows> rounded_;
};

/// y = x W^T + b over the last dimension. Keys: weight [out, in], bias [out]. Of weights that stay
/// packed the matrix is unpacked for each call; of `fp8Products`, if it is packed as float8 rows,
/// it is multiplied as it is with x rounded to such rows.
class Linear {
  public:
    at::Tensor bias;  ///< undefined where the layer has none

    Linear() = default;
    Linear(const Weights& weights, int64_t in, int64_t out, bool withBias = true)
        : packed_(weights.packed("weight", {out, in})), dtype_(weights.dtype()) {
        if (!packed_) whole_ = weights.tensor("weight", {out, in});
        if (withBias) bias = weights.tensor("bias", {out});
        if (packed_ && weights.fp8Products()) rows_ = packed_->fp8Rows();
        if (rows_ && !fitsFp8Product(*rows_)) rows_.reset();
    }

    at::Tensor operator()(const LinearInput& x) const {
        if (!rows_) return at::linear(x.whole(), weight(), bias);
        std::vector<int64_t> shape = x.whole().sizes().vec();
        shape.back() = rows_->numbers.size(0);
        return fp8Product(x.rounded(), *rows_, bias, dtype_).view(shape);
    }

    at::Tensor weight() const { return packed_ ? packed_->unpacked(dtype_) : whole_; }
    at::ScalarType dtype() const { return dtype_; }
    bool inFp8() const { return rows_.has_value(); }  ///< multiplies in 8 bits

  private:
    std::shared_ptr<const PackedMatrix> packed_;  ///< in the place of `whole_`
    std::optional<Fp8Rows> rows_;                 ///< of `packed_`, where they are multiplied
    at::Tensor whole_;
    at::ScalarType dtype_ = at::kFloat;
};

}  // namespace derrumbe::model
