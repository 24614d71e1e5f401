#pragma once
#include <ATen/ATen.h>

#include "model/video_model.h"
#include "model/wan/vae.h"

namespace derrumbe::model {

/// What VACE's control branch reads: [1, 2C + s^2, R + T, h, w] float32, the normalised latents of
/// the inactive clip (video outside the mask), those of the reactive clip (video inside the mask,
/// or grey where `input.keepReactive` is false), and the mask with the pixels of each s x s square
/// as channels. Each of the R references stands in front as a latent frame of its own, the last one
/// first, its other channels zero (diffusers 0.42.1:pipelines/wan/pipeline_wan_vace.py,
/// prepare_video_latents and prepare_masks).
///
/// The clips are cut at mask > 0.5; the mask channels keep the soft mask. T latent frames take the
/// mask of frame floor((i + 0.5) F / T), as nearest-exact does: the first and the last frame's mask
/// are never looked at.
///
/// @param spatialScale  s, pixels a latent; H and W are multiples of it
/// @throws Error(Internal) for shapes that do not belong together
at::Tensor vaceConditioning(const WanVae& vae, const ConditioningInput& input, int spatialScale,
                            const Tick& tick = {});

/// The mask [1, 1, F, H, W] as [1, s^2, T, H / s, W / s]; channel = (row mod s) * s + column mod s.
at::Tensor maskChannels(const at::Tensor& mask, int64_t spatialScale, int64_t latentFrames);

}  // namespace derrumbe::model
