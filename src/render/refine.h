#pragma once
#include "render/run.h"
#include "render/shared_work.h"

namespace derrumbe::render {

/// What the second pass begins with.
struct FirstPass {
    const Conditions& conditions;
    const ModelInputs& inputs;
    const Generated& generated;
};

/// The second pass that `refine` asks for (run.plan.second): the first one's picture, as it would
/// be delivered, goes into latents at the larger size, gets noise of the level
/// `sampler.start`, and is denoised from there in tiles (SDEdit, Meng et al. 2022; MultiDiffusion,
/// Bar-Tal et al. 2023). Returns what the model made of every frame at that size.
Generated refine(Run& run, SharedWork& shared, model::VideoModel& model, const FirstPass& first);

}  // namespace derrumbe::render
