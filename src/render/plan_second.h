#pragma once
#include <memory>

#include "render/plan.h"
#include "support/error.h"

namespace derrumbe::render {

/// The second pass that a shot's `refine` asks for, as a plan: the first one's, but its picture
/// `refine.scale` times as large (at most the crop's full resolution), tiles of the first pass'
/// size where the matte is, prompts' places at that size, and a sampler that begins at
/// `refine.strength` with steps as dense as the first one's. Nothing where the shot asks for none,
/// and, with a warning, where the crop is not larger than the working size. `first` has its region,
/// latents, windows, hints and sampler.
std::shared_ptr<RenderPlan> planSecondPass(const RenderPlan& first, Problems& problems);

/// What the second pass does, for people.
std::string secondPassText(const RenderPlan& second);

}  // namespace derrumbe::render
