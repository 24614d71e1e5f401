#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "model/video_model.h"

namespace derrumbe::model {

/// One family of models: how its folders are described, checked and loaded.
struct Family {
    const char* pipeline;  ///< `_class_name` of the folder's model_index.json
    Description (*describe)(const std::filesystem::path& folder);
    std::vector<std::string> (*check)(const std::filesystem::path& folder);
    std::unique_ptr<VideoModel> (*load)(const std::filesystem::path& folder,
                                        const LoadOptions& options);
};

/// The family of a folder by its model_index.json. Throws Error(Model) naming the known ones.
const Family& familyOf(const std::filesystem::path& folder);

}  // namespace derrumbe::model
