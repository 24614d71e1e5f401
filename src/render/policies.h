#pragma once
#include <string>
#include <vector>

#include "render/plan.h"

namespace derrumbe::render {

/// A file of weights and its SHA-256.
struct WeightsDigest {
    std::string name;  ///< relative to the model's folder
    std::string part;  ///< model::Description::File::part
    std::string sha256;
};

/// Of all of a model's weights, in the description's order; reads every byte.
std::vector<WeightsDigest> weightsDigests(const model::Description& model);

/// One hash for several files: SHA-256 of the list of "sha256  name" lines, as sha256sum prints
/// them.
std::string hashOf(const std::vector<WeightsDigest>& digests);

/// The hash of all of a model's weights. `derrumbe models` shows it, a studio's policy lists it.
std::string weightsHash(const model::Description& model);

/// Reads the policies that `options` names into the plan and holds the shot against each of them;
/// all must be met, none replaces another.
/// @param haveModel whether the plan's model is known
void applyPolicies(RenderPlan& plan, const PlanOptions& options, bool haveModel,
                   Problems& problems);

}  // namespace derrumbe::render
