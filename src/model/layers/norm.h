#pragma once
#include <ATen/ATen.h>

#include <optional>

#include "model/layers/rows/row_operations.h"
#include "model/weights/weights.h"

namespace derrumbe::model {

/// Root mean square norm over the last dimension, Zhang and Sennrich 2019: x / rms(x) * weight,
/// rms = sqrt(mean(x^2) + eps), the mean in float32. As T5 does, the normalised value is cast to
/// the weight's dtype before the product (transformers:models/umt5/modeling_umt5.py,
/// UMT5LayerNorm). Key: weight [width].
struct RmsNorm {
    at::Tensor weight;
    double eps = 1e-6;

    RmsNorm() = default;
    RmsNorm(const Weights& weights, int64_t width, double epsilon = 1e-6)
        : weight(weights.tensor("weight", {width})), eps(epsilon) {}

    /// 1 / rms of each row, [..., 1] float32.
    at::Tensor inverseRms(const at::Tensor& x) const {
        const double width = static_cast<double>(x.size(-1));
        // sum of squares by the vector norm: one pass, no temporary of x's size
        return at::linalg_vector_norm(x, 2, at::IntArrayRef{-1}, /*keepdim=*/true, at::kFloat)
            .square_()
            .div_(width)
            .add_(eps)
            .rsqrt_();
    }

    at::Tensor operator()(const at::Tensor& x) const {
        return at::mul(x.to(at::kFloat), inverseRms(x)).to(weight.scalar_type()).mul(weight);
    }
};

/// Layer norm in float32 whatever x is (diffusers' FP32LayerNorm), over the last dimension, cast
/// back to x's dtype. `weight` and `bias` may be undefined, or [width] float32.
inline at::Tensor layerNorm32(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                              double eps) {
    if (rows::able(x)) return rows::layerNorm(x, weight, bias, eps);
    const auto optional = [](const at::Tensor& tensor) {
        return tensor.defined() ? std::optional<at::Tensor>(tensor) : std::nullopt;
    };
    return at::layer_norm(x.to(at::kFloat), {x.size(-1)}, optional(weight), optional(bias), eps)
        .to(x.scalar_type());
}

/// An affine layer norm held in float32. Keys: weight, bias [width].
struct LayerNorm {
    at::Tensor weight, bias;
    double eps = 1e-6;

    LayerNorm() = default;
    LayerNorm(const Weights& weights, int64_t width, double epsilon)
        : weight(weights.tensor("weight", {width}, at::kFloat)),
          bias(weights.tensor("bias", {width}, at::kFloat)),
          eps(epsilon) {}

    at::Tensor operator()(const at::Tensor& x) const { return layerNorm32(x, weight, bias, eps); }
};

}  // namespace derrumbe::model
