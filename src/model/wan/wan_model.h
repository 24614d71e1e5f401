#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "model/video_model.h"

namespace derrumbe::model {

// The family's line in registry.cpp: folders in the layout of diffusers' WanVACEPipeline, or of
// single files (wan_layout.h).
Description describeWan(const std::filesystem::path& folder);
std::vector<std::string> checkWan(const std::filesystem::path& folder);
std::unique_ptr<VideoModel> loadWan(const std::filesystem::path& folder,
                                    const LoadOptions& options);

/// "auto" is bfloat16 on a GPU and float32 on a CPU. Throws Error(Usage) for an unknown name.
at::ScalarType computeDtype(const std::string& name, at::Device device);

}  // namespace derrumbe::model
