#pragma once
#include <filesystem>

#include "model/description.h"
#include "model/weights/config.h"

namespace derrumbe::model {

/// Adds what the folder says of itself in `derrumbe.json` (beside model_index.json;
/// src/model/README.md documents its keys) to a description that holds the family's defaults.
/// Without the file: the folder's name, and the licence of its README.md's front matter. Throws
/// Error(Model) with all faults.
void readModelCard(const std::filesystem::path& folder, Description& description);

}  // namespace derrumbe::model
