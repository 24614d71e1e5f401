#pragma once
#include <ATen/ATen.h>

#include <vector>

#include "model/layers/linear.h"
#include "model/layers/norm.h"
#include "model/wan/clip_config.h"

namespace derrumbe::model {

/// CLIPVisionModel (transformers 5.23:models/clip/modeling_clip.py), inference only, up to the last
/// layer but one: hidden_states[-2], which is all that Wan's transformers are shown of it
/// (diffusers 0.42.1:pipelines/wan/pipeline_wan_i2v.py, encode_image). Radford et al. 2021,
/// "Learning Transferable Visual Models From Natural Language Supervision".
/// Keys: `embeddings...`, `pre_layrnorm` (so spelled), `encoder.layers.N...`. The last layer,
/// `post_layernorm` and the projection are not read.
class ClipVision {
  public:
    /// Names and shapes that do not fit are recorded in `weights`.
    ClipVision(const Weights& weights, const ClipConfig& config);

    /// A picture [1, 3, H, W] in [-1, 1], display-referred, as tokens [1, config.tokens(), width]
    /// float32 on the CPU: the class token, then patches by rows.
    at::Tensor encode(const at::Tensor& picture) const;

  private:
    struct Layer {
        Layer(const Weights& weights, const ClipConfig& config);

        LayerNorm attentionNorm, forwardNorm;
        Linear q, k, v, out, up, down;
    };

    ClipConfig config_;
    at::Device device_;
    at::ScalarType dtype_;
    at::Tensor patches_, classToken_, positions_;  ///< [d, 3, p, p], [d], [tokens, d]
    LayerNorm norm_;
    std::vector<Layer> layers_;
};

/// What the tower sees of a picture [1, 3, H, W] in [-1, 1]: its shorter side resized to `size`
/// (bicubic, antialiased, after each axis cut at black and white as 8 bits are), the middle square
/// of it, less CLIP's mean and over its standard deviation; [1, 3, size, size] float32. The sides
/// of a wide picture are not seen. transformers:models/clip/image_processing_clip.py, without its
/// rounding to 8 bits.
at::Tensor clipPixels(const at::Tensor& picture, int64_t size);

}  // namespace derrumbe::model
