#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "model/speed.h"
#include "model/video_model.h"

namespace derrumbe::model {

/// One family of models: how its folders are described, checked, loaded and
/// timed.
struct Family {
    const char* pipeline;  ///< `_class_name` of the folder's model_index.json
    /// Of a folder without model_index.json: does a file in it hold a model of the family?
    bool (*holds)(const std::filesystem::path& folder);
    Description (*describe)(const std::filesystem::path& folder);
    std::vector<std::string> (*check)(const std::filesystem::path& folder);
    std::unique_ptr<VideoModel> (*load)(const std::filesystem::path& folder,
                                        const LoadOptions& options);
    Speeds (*measure)(const std::filesystem::path& folder, const SpeedTrial& trial);
};

/// The family of a folder by its model_index.json, or by the weights in it. Throws Error(Model)
/// naming the known ones.
const Family& familyOf(const std::filesystem::path& folder);

/// Is there a model_index.json, or a file that holds a model of a known family?
bool isModelFolder(const std::filesystem::path& folder);

}  // namespace derrumbe::model
