#pragma once
#include <ATen/ATen.h>

#include <functional>
#include <vector>

#include "model/sampling/sampler.h"
#include "model/sampling/step_cache.h"
#include "model/video_model.h"
#include "render/plan.h"

namespace derrumbe::render {

/// The sampler of a pass.
std::unique_ptr<model::Sampler> samplerOf(const SamplerPlan& plan);

/// What the model is told in words.
struct PromptEmbeddings {
    std::vector<at::Tensor> prompts;  ///< one a prompt of the plan, each [1, L, D] float32
    at::Tensor negativePrompt;        ///< the same; undefined without guidance
};

/// What the model is told: made once, used at every step.
struct Conditions : PromptEmbeddings {
    at::Tensor conditioning;  ///< [1, 2C+64, R+T, h, w] float32, references first; of a model
                              ///< with `heldByNoise` [1, C+1, T, h, w]
    int references = 0;
    at::Tensor image;  ///< [1, S, D] float32, as model::VideoModel::encodeImage gives it
    at::Tensor plate;  ///< [1, C, T, h, w] float32, the plate's latents; where latents are held
};

/// A denoising run's state between steps.
struct DenoiseState {
    at::Tensor latents;  ///< [1, C, R+T, h, w] float32
    model::SamplerState sampler;
    model::StepCache::State cache = {};
};

/// A prompt's weights over the latents, [T], or [T, h, w] where they differ by place. float32.
at::Tensor weightsOf(const RenderPlan& plan, const PromptPlan& prompt);

/// The noise that a render starts from, [1, C, R+T, h, w]: references count backwards from -1.
at::Tensor startNoise(const RenderPlan& plan, int references);

using StepDone = std::function<void(int step, int steps, const DenoiseState& state)>;

/// Denoises all windows jointly: at each step every window is evaluated and the velocities are
/// blended by the windows' weights, so that there is one latent for the whole shot (MultiDiffusion,
/// Bar-Tal et al. 2023, over time). Where a window holds several prompts (the shot's beats) it is
/// evaluated with each of them, and the velocities are blended by the prompts' weights at each
/// latent frame, and where beats have mattes at each of its cells, in the same way; references see
/// the prompts by their mean weight in time. VACE's hints are scaled as the plan says of each
/// window. Where the model
/// is not shown the plate (`heldByNoise`), the plate's latents are held outside the mask; so they
/// are in tokens that a window does not compute (`plan.kept`), and a window that computes none is
/// not evaluated. Goes on from `state.sampler.step`. With `plan.sampler.cache` steps may take the
/// velocity of an earlier one, of the same expert. `done` is called after each step and may throw
/// to stop.
void denoise(const RenderPlan& plan, model::VideoModel& model, const Conditions& conditions,
             DenoiseState& state, const model::Tick& tick, const StepDone& done);

}  // namespace derrumbe::render
