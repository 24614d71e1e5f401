#pragma once
#include <filesystem>

#include "shot/shot.h"

namespace derrumbe::render {

/// The same shot, whose frames and log go into `folder` under the names that they have: EXR headers
/// hold the log's name, so that the frames are the very bytes that they would be in their own
/// place.
shot::Shot deliveredInto(shot::Shot shot, const std::filesystem::path& folder);

}  // namespace derrumbe::render
