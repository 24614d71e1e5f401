#pragma once
#include <ATen/ATen.h>

#include <cmath>
#include <optional>

#include "model/layers/bfloat16_attention.h"

namespace derrumbe::model {

/// [B, L, H*D] as [B, H, L, D], a view.
inline at::Tensor splitHeads(const at::Tensor& x, int64_t heads) {
    return x.unflatten(-1, {heads, x.size(-1) / heads}).transpose(1, 2);
}

/// [B, H, L, D] as [B, L, H*D].
inline at::Tensor joinHeads(const at::Tensor& x) {
    return x.transpose(1, 2).flatten(2);
}

/// softmax(q k^T * scale + bias) v for q [B, H, L, D], k and v [B, H, S, D].
/// @param bias  added to the scores, broadcast to [B, H, L, S]; undefined: none
/// @param scale 1/sqrt(D) where not given
inline at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const at::Tensor& bias = {}, std::optional<double> scale = {}) {
    if (bfloat16AttentionPays(q, k, bias))
        return bfloat16Attention(
            q, k, v, scale.value_or(1 / std::sqrt(static_cast<double>(q.size(-1)))), bias);
    return at::scaled_dot_product_attention(
        q, k, v, bias.defined() ? std::optional<at::Tensor>(bias) : std::nullopt,
        /*dropout_p=*/0.0, /*is_causal=*/false, scale);
}

}  // namespace derrumbe::model
