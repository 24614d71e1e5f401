#pragma once
#include "render/plan.h"
#include "support/error.h"

namespace derrumbe::render {

/// With `sampler.sparse`, which tokens of each window are computed: those at most the margin away
/// from anything that the model may change in any of the window's frames, through all of its
/// frames, so that what is computed sees how the plate moves there. Reads the mattes of all
/// generated frames once more; needs the plan's region, latents and windows.
void planTokens(RenderPlan& plan, Problems& problems);

}  // namespace derrumbe::render
