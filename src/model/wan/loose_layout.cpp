#include <algorithm>
#include <set>

#include "model/wan/expert_names.h"
#include "model/wan/wan_layout.h"
#include "model/wan/wan_part.h"
#include "model/wan/wan_shapes.h"
#include "model/weights/renamed.h"
#include "model/weights/weights_file.h"
#include "support/strings.h"

namespace derrumbe::model {

namespace fs = std::filesystem;

namespace {

constexpr int kDeepest = 2;  ///< google/umt5-xxl/spiece.model of Wan's repositories
constexpr size_t kMostFiles = 4096;
constexpr const char* kIndexEnding = ".safetensors.index.json";
/// Of the published text-to-video and VACE pairs (Wan-Video/Wan2.2:wan/configs/wan_t2v_A14B.py,
/// boundary), where nothing is stated.
constexpr double kBoundary = 0.875;
constexpr double kImageBoundary = 0.9;  ///< wan_i2v_A14B.py

bool endsWith(const std::string& text, const std::string& ending) {
    return text.size() >= ending.size() &&
           text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

struct Files {
    std::vector<fs::path> weights;  ///< single files, and indices of shards
    std::vector<fs::path> pickles, vocabularies;
};

/// Shards that the indices of one folder name are read through the index.
std::set<fs::path> shardsOf(const std::vector<fs::path>& indices) {
    std::set<fs::path> shards;
    for (const fs::path& index : indices) {
        try {
            const Config map = Config::read(index).object("weight_map");
            for (const std::string& name : map.keys())
                shards.insert(index.parent_path() / map.text(name, ""));
        } catch (const Error&) {
            // Opening the index says what is wrong with it.
        }
    }
    return shards;
}

void scan(const fs::path& folder, int depth, Files& files) {
    std::vector<fs::path> below, plain, indices;
    std::error_code code;
    for (const auto& item : fs::directory_iterator(folder, code)) {
        if (item.path().filename().string().front() == '.') continue;
        std::error_code unknown;
        if (item.is_directory(unknown)) {
            below.push_back(item.path());
        } else if (plain.size() < kMostFiles) {
            (endsWith(item.path().string(), kIndexEnding) ? indices : plain).push_back(item.path());
        }
    }
    const std::set<fs::path> shards = shardsOf(indices);
    files.weights.insert(files.weights.end(), indices.begin(), indices.end());
    for (const fs::path& file : plain) {
        const FileKind kind = fileKind(file);
        if (file.filename() == "spiece.model") {
            files.vocabularies.push_back(file);
        } else if (kind == FileKind::Pickle) {
            files.pickles.push_back(file);
        } else if (kind != FileKind::Other && shards.count(file) == 0) {
            files.weights.push_back(file);
        }
    }
    for (const fs::path& other : below)
        if (depth < kDeepest && !fs::exists(other / "model_index.json", code))
            scan(other, depth + 1, files);
}

/// The config.json beside a part's file; an empty one where there is none or it is of another part.
Config statedConfig(const WanPart& part, std::vector<std::string>& configFiles) {
    const fs::path file = fs::path(part.file).parent_path() / "config.json";
    std::error_code code;
    if (fs::is_regular_file(file, code)) {
        const Config config = Config::read(file);
        const char* tells[] = {"num_attention_heads", "num_heads", "z_dim", "base_dim", "d_model",
                               "hidden_size"};
        const auto any = [&](std::initializer_list<int> which) {
            return std::any_of(which.begin(), which.end(),
                               [&](int i) { return config.has(tells[i]); });
        };
        const bool fits = part.role == WanRole::Transformer    ? !any({4, 5}) && any({0, 1})
                          : part.role == WanRole::TextEncoder  ? any({4})
                          : part.role == WanRole::ImageEncoder ? any({5})
                                                               : any({2, 3});
        if (fits) {
            configFiles.push_back(file.string());
            return config;
        }
    }
    return Config::parse("{}", part.file);
}

/// All parts found, by role.
class Found {
  public:
    Found(const Files& files, fs::path folder) : folder_(std::move(folder)), files_(files) {
        for (const fs::path& file : files.weights) {
            try {
                const std::vector<WanPart> parts = wanParts(openWeights(file));
                if (parts.empty()) others_.push_back(file);
                for (const WanPart& part : parts) parts_.push_back(part);
            } catch (const Error& error) {
                broken_.add(error.problems());
            }
        }
    }

    /// The one part of a role; a problem where there is none or more than one.
    const WanPart* one(WanRole role, Problems& problems) const {
        std::vector<const WanPart*> all = of(role);
        if (all.size() == 1) return all.front();
        if (all.empty()) {
            problems.error(ExitCode::Model, missing(role), {folder_.string()});
        } else {
            std::string names;
            for (const WanPart* part : all) names += "\n  " + part->file;
            const bool experts = role == WanRole::Transformer || role == WanRole::VaceModule;
            problems.error(
                ExitCode::Model,
                cat(all.size(), " files hold a ", roleName(role), "; keep one",
                    experts ? ", or a pair of experts with high and low in their names" : "", ":",
                    names),
                {folder_.string()});
        }
        return nullptr;
    }

    /// The two parts of a role whose paths say high and low, in this order; empty where there are
    /// not exactly these.
    std::vector<const WanPart*> pair(WanRole role) const {
        std::vector<const WanPart*> all = of(role);
        if (all.size() != 2) return {};
        const auto noise = [&](const WanPart* part) {
            return expertNoise(fs::path(part->file).lexically_relative(folder_).string());
        };
        if (noise(all[0]) == ExpertNoise::Low) std::swap(all[0], all[1]);
        const bool fits = noise(all[0]) == ExpertNoise::High && noise(all[1]) == ExpertNoise::Low;
        return fits ? all : std::vector<const WanPart*>{};
    }

    std::vector<const WanPart*> of(WanRole role) const {
        std::vector<const WanPart*> all;
        for (const WanPart& part : parts_)
            if (part.role == role) all.push_back(&part);
        return all;
    }

    /// Files that could not be read, which matter where a part is missing.
    const Problems& broken() const { return broken_; }

  private:
    std::string missing(WanRole role) const {
        std::string text = cat("no file here holds a ", roleName(role));
        for (const fs::path& file : files_.pickles)
            text += "\n  " + file.string() + ": " + pickleRefusal();
        for (const fs::path& file : others_)
            text += "\n  " + file.string() + ": no part of this family by its tensors' names";
        return text;
    }

    fs::path folder_;
    const Files& files_;
    std::vector<fs::path> others_;
    std::vector<WanPart> parts_;
    Problems broken_;
};

bool hasVace(const TensorSource& tensors) {
    const auto found = tensors.tensors().lower_bound("vace_");
    return found != tensors.tensors().end() && found->first.rfind("vace_", 0) == 0;
}

}  // namespace

WanLayout looseLayout(const fs::path& folder, Problems& problems) {
    WanLayout layout;
    Files files;
    scan(folder, 0, files);
    for (auto* list : {&files.weights, &files.pickles, &files.vocabularies})
        std::sort(list->begin(), list->end());
    const Found found(files, folder);

    Problems own;
    const std::vector<const WanPart*> experts = found.pair(WanRole::Transformer);
    const std::vector<const WanPart*> modules = found.pair(WanRole::VaceModule);
    /// The VACE module for a transformer: of two, the one for the same noise.
    const auto moduleFor = [&](const WanPart* transformer) -> const WanPart* {
        if (experts.empty()) return found.one(WanRole::VaceModule, own);
        if (!modules.empty()) return modules[transformer == experts[0] ? 0 : 1];
        own.error(ExitCode::Model,
                  "a pair of experts without VACE layers takes two VACE modules, with high and low "
                  "in their names",
                  {transformer->file});
        return nullptr;
    };
    const auto take = [&](const WanPart* one, auto configOf, WanLayout::Part& part) {
        if (one == nullptr) return;
        try {
            part.tensors = one->tensors;
            // Without a module it is a text-to-video transformer and works as one.
            if (one->role == WanRole::Transformer && !hasVace(*one->tensors) &&
                !found.of(WanRole::VaceModule).empty()) {
                const WanPart* module = moduleFor(one);
                if (module == nullptr) return;
                part.tensors = joined(part.tensors, module->tensors);
            }
            // A text-to-video model's configuration is not that of the two together.
            part.config = configOf(*part.tensors, part.tensors == one->tensors
                                                      ? statedConfig(*one, layout.configFiles)
                                                      : Config::parse("{}", one->file));
        } catch (const Error& error) {
            own.add(error.problems());
        }
        if (!one->vocabulary.empty() && files.vocabularies.empty()) {
            layout.vocabulary = one->file;
            layout.vocabularyTensor = one->vocabulary;
        }
    };
    take(found.one(WanRole::TextEncoder, own), textConfigOf, layout.text);
    if (experts.empty()) {
        take(found.one(WanRole::Transformer, own), transformerConfigOf, layout.transformer);
    } else {
        take(experts[0], transformerConfigOf, layout.transformer);
        take(experts[1], transformerConfigOf, layout.lowNoise);
        const std::optional<Config>& config = layout.transformer.config;
        const bool image =
            config && config->integer("in_channels", 16) > config->integer("out_channels", 16);
        layout.boundary = image ? kImageBoundary : kBoundary;
    }
    if (layout.transformer.config && layout.transformer.config->has("image_dim"))
        take(found.one(WanRole::ImageEncoder, own), clipConfigOf, layout.image);
    take(found.one(WanRole::Vae, own), vaeConfigOf, layout.vae);
    if (!files.vocabularies.empty()) layout.vocabulary = files.vocabularies.front().string();
    if (layout.vocabulary.empty()) layout.vocabulary = (folder / "spiece.model").string();
    if (own.hasErrors()) problems.add(found.broken().list());
    problems.add(own.list());
    return layout;
}

bool holdsWan(const fs::path& folder) {
    std::error_code code;
    for (const auto& item : fs::directory_iterator(folder, code)) {
        try {
            const bool index = endsWith(item.path().string(), kIndexEnding);
            const FileKind kind = fileKind(item.path());
            if (!index && kind != FileKind::Gguf && kind != FileKind::Safetensors) continue;
            for (const WanPart& part : wanParts(openWeights(item.path())))
                if (part.role == WanRole::Transformer) return true;
        } catch (const Error&) {
            // Not to be listed; naming the folder says what is wrong.
        }
    }
    return false;
}

}  // namespace derrumbe::model
