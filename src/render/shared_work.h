#pragma once
#include <memory>
#include <optional>

#include "model/video_model.h"
#include "render/inputs.h"
#include "render/stages.h"

namespace derrumbe::render {

/// What takes of one shot have in common: everything that the seed has no part in. Kept from one
/// render to the next, of plans that differ in seed, take and outputs alone.
struct SharedWork {
    std::unique_ptr<model::VideoModel> model;  ///< opened and checked once
    std::optional<ModelInputs> inputs;         ///< plates and mattes, as they were read
    std::optional<Conditions> conditions;      ///< prompts and clip, encoded
    std::optional<Clip> reconstruction;        ///< the plate's way through the model, anchored
};

}  // namespace derrumbe::render
