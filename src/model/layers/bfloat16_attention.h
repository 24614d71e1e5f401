#pragma once
#include <ATen/ATen.h>

namespace derrumbe::model {

/// Whether attention of these tensors is faster by bfloat16Attention than by ATen's own (2.11 to
/// 2.13): bfloat16 on a processor with products of it, and enough queries for blocks to pay.
/// @param bias  undefined, or one number a key
bool bfloat16AttentionPays(const at::Tensor& q, const at::Tensor& k, const at::Tensor& bias);

/// softmax(q k^T * scale + bias) v for q [B, H, L, D], k and v [B, H, S, D] (none broadcast),
/// bfloat16, D even, bias [..., S] or undefined, in blocks of queries that meet blocks of keys one
/// after the other. Both products are oneDNN's of bfloat16 summed in float32; scores and softmax
/// stay in float32; the weights are rounded to bfloat16 for the second product, as ATen's kernel
/// does. A block's result does not depend on the number of threads. Returns a bfloat16 tensor [B,
/// H, L, D], a view of [B, L, H, D].
at::Tensor bfloat16Attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                             double scale, const at::Tensor& bias = {});

}  // namespace derrumbe::model
