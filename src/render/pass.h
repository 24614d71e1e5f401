#pragma once
#include <optional>
#include <string>

#include "render/run.h"
#include "render/shared_work.h"

namespace derrumbe::render {

// What both passes of a render do: the first one at the model's size, and where the shot has a
// `refine` the second one over its picture.

/// One pass of a render: the run, its own plan, and how its state and tensors are named.
struct Pass {
    Run& run;
    const RenderPlan& plan;
    std::string state = "denoise";  ///< the file of its saved state
    std::string prefix = {};        ///< of its tensors' names in --dump-tensors
};

/// The first frame into what the model is shown beside the prompts, and releases the image encoder;
/// undefined where the model has none.
at::Tensor encodeImage(const Pass& pass, model::VideoModel& model, const ModelInputs& inputs);

/// Plates, masks and references into the model's conditioning.
at::Tensor encodeClip(const Pass& pass, model::VideoModel& model, const ModelInputs& inputs);

/// The state that an earlier run of the same content left after some step; nothing with
/// --no-resume and where there is none. `start` has the sizes of its latents.
std::optional<DenoiseState> savedState(const Pass& pass, const at::Tensor& start);

/// Denoises `state`, saving it after each step, and releases the transformer. Returns the latents
/// [1, C, T, h, w] without references.
at::Tensor sample(const Pass& pass, model::VideoModel& model, const Conditions& conditions,
                  DenoiseState state, const model::Tick& tick);

/// A video of the model's, its drift in colour undone.
Clip anchored(const Pass& pass, const at::Tensor& video, const ModelInputs& inputs);

/// The latents of the plate itself, as far as neither an earlier take nor another stage has made
/// them.
const at::Tensor& plateLatents(const Pass& pass, model::VideoModel& model,
                               const ModelInputs& inputs, SharedWork::OfPass& shared,
                               const model::Tick& tick);

/// What the model leaves of the plate where it changes nothing: its way through the latents and
/// back, anchored.
Clip reconstructed(const Pass& pass, model::VideoModel& model, const ModelInputs& inputs,
                   SharedWork::OfPass& shared);

/// Where the plate's detail stays, and where it goes along with what moves: both clips are
/// anchored, so that a drift is no change.
void findDetail(const Pass& pass, Generated& generated, Clip reconstruction, const ClipMask& mask);

/// What the model made runs out in the plate along the matte's edge, where the shot wants it.
void healSeam(const Pass& pass, Generated& generated, const ModelInputs& inputs);

}  // namespace derrumbe::render
