#pragma once
#include <vector>

#include "provenance/statement.h"
#include "render/deliver.h"
#include "render/plan.h"

namespace derrumbe::render {

/// The shot with what only plate, model and machine could tell filled in from the plan: colour
/// space, frame rate, sampler, windows, numbers. A shot file itself, it asks for the same render.
shot::Shot resolvedShot(const RenderPlan& plan);

/// What the log discloses of a render that delivered `frames`: who wrote, drew and chose what, and
/// which layers hold generated pixels.
provenance::Disclosure disclosure(const RenderPlan& plan, const std::vector<Delivered>& frames);

}  // namespace derrumbe::render
