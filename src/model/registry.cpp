#include "model/registry.h"

#include "model/wan/wan_layout.h"
#include "model/wan/wan_model.h"
#include "model/wan/wan_speed.h"
#include "model/weights/config.h"

namespace derrumbe::model {

namespace {

// A new family is one folder beside wan/ and one line here.
constexpr Family kFamilies[] = {
    {"WanVACEPipeline", holdsWan, describeWan, checkWan, loadWan, measureWan},
    {"WanImageToVideoPipeline", holdsWan, describeWan, checkWan, loadWan, measureWan},
    {"WanPipeline", holdsWan, describeWan, checkWan, loadWan, measureWan},
};

}  // namespace

namespace {

bool hasIndex(const std::filesystem::path& folder) {
    std::error_code code;
    return std::filesystem::is_regular_file(folder / "model_index.json", code);
}

}  // namespace

const Family& familyOf(const std::filesystem::path& folder) {
    if (!hasIndex(folder)) {
        for (const Family& family : kFamilies)
            if (family.holds(folder)) return family;
        // No transformer right there: the first family says what it looks for and what it found.
        return kFamilies[0];
    }
    const Config index = Config::read(folder / "model_index.json");
    const std::string pipeline = index.text("_class_name", "");
    index.throwIfProblems();
    std::string known;
    for (const Family& family : kFamilies) {
        if (pipeline == family.pipeline) return family;
        known += std::string(known.empty() ? "" : ", ") + family.pipeline;
    }
    throw Error(ExitCode::Model, "the pipeline '" + pipeline + "' is none of: " + known,
                {index.file()});
}

bool isModelFolder(const std::filesystem::path& folder) {
    if (hasIndex(folder)) return true;
    for (const Family& family : kFamilies)
        if (family.holds(folder)) return true;
    return false;
}

Description describeModel(const std::filesystem::path& folder) {
    return familyOf(folder).describe(folder);
}

std::vector<std::string> checkModel(const std::filesystem::path& folder) {
    return familyOf(folder).check(folder);
}

std::unique_ptr<VideoModel> loadVideoModel(const std::filesystem::path& folder,
                                           const LoadOptions& options) {
    return familyOf(folder).load(folder, options);
}

Speeds measureSpeeds(const std::filesystem::path& folder, const SpeedTrial& trial) {
    return familyOf(folder).measure(folder, trial);
}

}  // namespace derrumbe::model
