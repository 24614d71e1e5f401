#pragma once
#include <filesystem>

#include "model/speed.h"

namespace derrumbe::model {

/// The family's line in registry.cpp: measureSpeeds.
Speeds measureWan(const std::filesystem::path& folder, const SpeedTrial& trial);

}  // namespace derrumbe::model
