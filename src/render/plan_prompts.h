#pragma once
#include <vector>

#include "clip/beats.h"
#include "render/plan.h"

namespace derrumbe::render {

/// The shot's beats over the plan's frames, without their areas.
std::vector<clip::Beat> timeline(const RenderPlan& plan);

/// The shot's prompt and its beats, weighted over latent frames; where beats have mattes, which are
/// read here, over their cells too. Needs the plan's frames, region and latents. A beat whose matte
/// is empty wherever it holds is a warning.
void planPrompts(RenderPlan& plan, Problems& problems);

}  // namespace derrumbe::render
