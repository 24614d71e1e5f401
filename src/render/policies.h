#pragma once
#include <string>

#include "render/plan.h"

namespace derrumbe::render {

/// One hash for a folder's weights: SHA-256 of the list of "sha256  name" lines, as sha256sum
/// prints them. `derrumbe models` shows it, a studio's policy lists it.
std::string weightsHash(const model::Description& model);

/// Reads the policies that `options` names into the plan and holds the shot against each of them;
/// all must be met, none replaces another.
/// @param haveModel whether the plan's model is known
void applyPolicies(RenderPlan& plan, const PlanOptions& options, bool haveModel,
                   Problems& problems);

}  // namespace derrumbe::render
