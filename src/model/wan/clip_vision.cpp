#include "model/wan/clip_vision.h"

#include <algorithm>

#include "model/layers/attention.h"

namespace derrumbe::model {

at::Tensor clipPixels(const at::Tensor& picture, int64_t size) {
    // Of the pictures that CLIP was trained on (transformers:image_utils.py, OPENAI_CLIP_MEAN).
    const at::Tensor mean = at::tensor({0.48145466, 0.4578275, 0.40821073}).to(at::kFloat),
                     deviation = at::tensor({0.26862954, 0.26130258, 0.27577711}).to(at::kFloat);
    const int64_t height = picture.size(2), width = picture.size(3),
                  shorter = std::min(height, width);
    // The longer side is cut to whole pixels, and so is the margin.
    const int64_t rows = size * height / shorter, columns = size * width / shorter;
    at::Tensor codes = (picture.to(at::kCPU, at::kFloat) + 1) / 2;
    for (const int64_t tall : {height, rows})
        codes = at::_upsample_bicubic2d_aa(codes, {tall, columns}, /*align_corners=*/false)
                    .clamp_(0, 1);
    const at::Tensor square =
        codes.narrow(2, (rows - size) / 2, size).narrow(3, (columns - size) / 2, size);
    return (square - mean.view({3, 1, 1})) / deviation.view({3, 1, 1});
}

ClipVision::Layer::Layer(const Weights& weights, const ClipConfig& config)
    : attentionNorm(weights / "layer_norm1", config.width, config.epsilon),
      forwardNorm(weights / "layer_norm2", config.width, config.epsilon),
      q(weights / "self_attn.q_proj", config.width, config.width),
      k(weights / "self_attn.k_proj", config.width, config.width),
      v(weights / "self_attn.v_proj", config.width, config.width),
      out(weights / "self_attn.out_proj", config.width, config.width),
      up(weights / "mlp.fc1", config.width, config.hidden),
      down(weights / "mlp.fc2", config.hidden, config.width) {}

ClipVision::ClipVision(const Weights& weights, const ClipConfig& config)
    : config_(config),
      device_(weights.device()),
      dtype_(weights.dtype()),
      patches_(weights.tensor("embeddings.patch_embedding.weight",
                              {config.width, 3, config.patch, config.patch})),
      classToken_(weights.tensor("embeddings.class_embedding", {config.width})),
      positions_(
          weights.tensor("embeddings.position_embedding.weight", {config.tokens(), config.width})),
      norm_(weights / "pre_layrnorm", config.width, config.epsilon) {
    for (int i = 0; i + 1 < config.layers; ++i)
        layers_.emplace_back(weights / "encoder.layers" / i, config);
}

at::Tensor ClipVision::encode(const at::Tensor& picture) const {
    const at::Tensor pixels =
        clipPixels(picture, config_.imageSize).to(at::TensorOptions(dtype_).device(device_));
    const at::Tensor patches =
        at::conv2d(pixels, patches_, {}, at::IntArrayRef{config_.patch}).flatten(2).transpose(1, 2);
    at::Tensor x =
        norm_(at::cat({classToken_.expand({1, 1, config_.width}), patches}, 1) + positions_);
    for (const Layer& layer : layers_) {
        const at::Tensor h = layer.attentionNorm(x);
        const auto heads = [&](const Linear& linear) {
            return splitHeads(linear(h), config_.heads);
        };
        x = x + layer.out(joinHeads(attention(heads(layer.q), heads(layer.k), heads(layer.v))));
        const at::Tensor inner = layer.up(layer.forwardNorm(x));
        x = x +
            layer.down(config_.quickGelu ? inner * at::sigmoid(inner * 1.702) : at::gelu(inner));
    }
    return x.to(at::kCPU, at::kFloat);
}

}  // namespace derrumbe::model
