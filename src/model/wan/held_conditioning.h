#pragma once
#include <ATen/ATen.h>

#include "model/video_model.h"
#include "model/wan/vae.h"

namespace derrumbe::model {

/// What the sampler needs to hold the plate where the transformer is not shown all of it: [1, C +
/// 1, T, h, w] float32, the video's normalised latents and a mask of them, 1 = generate, 0 = hold.
///
/// An image-to-video transformer reads 4 + C channels more, which then follow: the given frames,
/// four of them a latent, 1 = given (the first frame counts four times), and the normalised latents
/// of the given frames with grey ones after them (diffusers 0.42.1:pipelines/wan/
/// pipeline_wan_i2v.py, prepare_latents). Given are the first frame, as it is in the plate, and
/// those after it in which nothing is to be generated.
///
/// @param spatialScale  pixels a latent; H and W are multiples of it
/// @param shownFrames  whether the transformer is an image-to-video one
/// @throws Error(Internal) for shapes that do not belong together, or references
at::Tensor heldConditioning(const WanVae& vae, const ConditioningInput& input, int spatialScale,
                            bool shownFrames, const Tick& tick = {});

/// The mask [1, 1, F, H, W] of latents [1, 1, T, H / s, W / s]: 1 where any pixel of any frame that
/// the latent stands for is to be generated (the first latent stands for one frame, each other for
/// four), so that a latent is held only where all of it is known.
at::Tensor latentMask(const at::Tensor& mask, int64_t spatialScale);

}  // namespace derrumbe::model
