#include <algorithm>
#include <cstdlib>
#include <set>
#include <sstream>

#include "model/description.h"
#include "model/registry.h"
#include "model/weights/weights_file.h"
#include "support/error.h"

namespace derrumbe::model {

namespace fs = std::filesystem;

namespace {

constexpr int kFoldersAbove = 5;  ///< the binary's, build/release/derrumbe included

/// Are there weights of any kind in the folder, or up to two folders below it? Enough for one that
/// is named; opening it says what is wrong.
bool holdsWeights(const fs::path& folder, int depth = 0) {
    std::error_code code;
    for (const auto& item : fs::directory_iterator(folder, code)) {
        if (item.is_directory(code) ? depth < 2 && holdsWeights(item.path(), depth + 1)
                                    : fileKind(item.path()) != FileKind::Other)
            return true;
    }
    return false;
}

bool isNamedModel(const fs::path& folder) {
    std::error_code code;
    return fs::is_regular_file(folder / "model_index.json", code) || holdsWeights(folder);
}

void gather(const fs::path& folder, std::set<fs::path>& seen, std::vector<fs::path>& models) {
    std::error_code code;
    std::vector<fs::path> found;
    if (isModelFolder(folder)) {
        found.push_back(folder);
    } else {
        for (const auto& item : fs::directory_iterator(folder, code))
            if (isModelFolder(item.path())) found.push_back(item.path());
    }
    std::sort(found.begin(), found.end());
    for (const fs::path& model : found)
        if (seen.insert(fs::weakly_canonical(model, code)).second) models.push_back(model);
}

}  // namespace

std::vector<fs::path> modelSearchPath() {
    std::vector<fs::path> folders;
    if (const char* listed = std::getenv("DERRUMBE_MODEL_PATH")) {
        std::istringstream parts(listed);
        for (std::string part; std::getline(parts, part, ':');)
            if (!part.empty()) folders.emplace_back(part);
    }
    std::error_code code;
    folders.push_back(fs::current_path(code) / "models");
    fs::path above = fs::read_symlink("/proc/self/exe", code).parent_path();
    for (int i = 0; i <= kFoldersAbove && above.has_relative_path(); ++i) {
        folders.push_back(above / "models");
        above = above.parent_path();
    }
    return folders;
}

fs::path findModel(const std::string& name, const fs::path& base) {
    if (name.empty()) throw Error(ExitCode::Model, "no model is named");
    std::vector<fs::path> candidates{base / name};  // an absolute name replaces the base
    if (fs::path(name).is_relative())
        for (const fs::path& folder : modelSearchPath()) candidates.push_back(folder / name);
    std::string looked;
    std::set<fs::path> seen;
    for (const fs::path& candidate : candidates) {
        if (isNamedModel(candidate)) return candidate.lexically_normal();
        if (!seen.insert(candidate.lexically_normal()).second) continue;
        std::error_code code;
        looked += "\n  " + candidate.lexically_normal().string();
        if (fs::is_directory(candidate, code))
            looked += " (there, but without a model_index.json or weights)";
    }
    throw Error(ExitCode::Model, "no model '" + name + "'; looked for" + looked +
                                     "\nset $DERRUMBE_MODEL_PATH to the folder that holds it");
}

std::vector<fs::path> listModels(const std::vector<fs::path>& folders) {
    std::vector<fs::path> models;
    std::set<fs::path> seen;
    for (const fs::path& folder : folders) {
        std::error_code code;
        if (!fs::is_directory(folder, code))
            throw Error(ExitCode::Model, "not a folder", {folder.string()});
    }
    for (const fs::path& folder : folders.empty() ? modelSearchPath() : folders)
        gather(folder, seen, models);
    return models;
}

}  // namespace derrumbe::model
