#pragma once
#include <ATen/ATen.h>

#include <memory>
#include <optional>
#include <utility>

#include "model/layers/byte_product.h"
#include "model/layers/linear_product.h"
#include "model/weights/weights.h"

namespace derrumbe::model {

/// What linear layers are given, [..., in]. Those that multiply in 8 bits and are given the same
/// one share its rounding.
class LinearInput {
  public:
    LinearInput(at::Tensor x) : x_(std::move(x)) {}  // NOLINT: any tensor is one

    const at::Tensor& whole() const { return x_; }
    /// @param kind the same in every call
    const ByteRows& rounded(Rounding kind) const {
        if (!rounded_) rounded_ = byteRows(x_, kind);
        return *rounded_;
    }

  private:
    at::Tensor x_;
    mutable std::optional<ByteRows> rounded_;
};

/// y = x W^T + b over the last dimension, or GELU of it. Keys: weight [out, in], bias [out]. Of
/// weights that stay packed the matrix is unpacked for each call; of `products`, if it is packed as
/// rows of that kind, it is multiplied as it is with x rounded to such rows.
class Linear {
  public:
    at::Tensor bias;  ///< undefined where the layer has none

    Linear() = default;
    Linear(const Weights& weights, int64_t in, int64_t out, bool withBias = true)
        : packed_(weights.packed("weight", {out, in})), dtype_(weights.dtype()) {
        if (!packed_) whole_ = weights.tensor("weight", {out, in});
        if (withBias) bias = weights.tensor("bias", {out});
        if (packed_ && weights.products() != Rounding::None) takeRows(weights.products());
    }

    at::Tensor operator()(const LinearInput& x, Finish finish = Finish::None) const {
        if (!rows_) return linearProduct(x.whole(), weight(), bias, finish);
        std::vector<int64_t> shape = x.whole().sizes().vec();
        shape.back() = rows_->numbers.size(0);
        return byteProduct(x.rounded(kind_), *rows_, bias, dtype_, finish).view(shape);
    }

    at::Tensor weight() const { return packed_ ? packed_->unpacked(dtype_) : whole_; }
    at::ScalarType dtype() const { return dtype_; }
    bool multipliesBytes() const { return rows_.has_value(); }  ///< of 8 bits

  private:
    void takeRows(Rounding kind) {
        const at::ScalarType type = kind == Rounding::Int8 ? at::kChar : at::kFloat8_e4m3fn;
        std::optional<ByteRows> rows = packed_->byteRows();
        if (!rows || rows->numbers.scalar_type() != type || !fitsByteProduct(*rows)) return;
        rows_ = std::move(rows);
        kind_ = kind;
    }

    std::shared_ptr<const PackedMatrix> packed_;  ///< in the place of `whole_`
    std::optional<ByteRows> rows_;                ///< of `packed_`, where they are multiplied
    Rounding kind_ = Rounding::None;              ///< of `rows_`
    at::Tensor whole_;
    at::ScalarType dtype_ = at::kFloat;
};

}  // namespace derrumbe::model
