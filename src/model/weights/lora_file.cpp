#include "model/weights/lora_file.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>

#include "model/weights/config.h"
#include "model/weights/dtypes.h"
#include "support/log.h"
#include "support/strings.h"

namespace derrumbe::model {

namespace {

enum class Part { Down, Up, UpBias, Alpha, Full, FullBias };

constexpr std::pair<const char*, Part> kEndings[] = {
    {".lora_A.weight", Part::Down},    {".lora_A.default.weight", Part::Down},
    {".lora_down.weight", Part::Down}, {".lora.down.weight", Part::Down},
    {".lora_B.weight", Part::Up},      {".lora_B.default.weight", Part::Up},
    {".lora_up.weight", Part::Up},     {".lora.up.weight", Part::Up},
    {".lora_B.bias", Part::UpBias},    {".lora_B.default.bias", Part::UpBias},
    {".alpha", Part::Alpha},           {".diff", Part::Full},
    {".diff_b", Part::FullBias},
};

/// The longer of two that begin alike comes first.
constexpr const char* kPrefixes[] = {"transformer.", "model.diffusion_model.", "diffusion_model.",
                                     "lora_unet__", "lora_unet_"};

bool endsWith(const std::string& text, const std::string& ending) {
    return text.size() >= ending.size() &&
           text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

std::string withoutEnding(const std::string& text, const std::string& ending) {
    return endsWith(text, ending) ? text.substr(0, text.size() - ending.size()) : text;
}

/// The product of all sizes but the first.
int64_t rowSize(const std::vector<int64_t>& shape) {
    return shape.empty()
               ? 0
               : std::accumulate(shape.begin() + 1, shape.end(), int64_t{1}, std::multiplies<>());
}

std::string shapeText(const std::vector<int64_t>& shape) {
    std::string text;
    for (const int64_t size : shape) text += (text.empty() ? "" : ", ") + std::to_string(size);
    return "[" + text + "]";
}

/// The strength that diffusers stores with a file: a JSON object of PEFT's LoraConfig, each key
/// after "transformer." (diffusers:loaders/lora_base.py, LORA_ADAPTER_METADATA_KEY).
class StoredConfig {
  public:
    explicit StoredConfig(const SafetensorsSource& file) {
        const auto found = file.metadata().find("lora_adapter_metadata");
        if (found != file.metadata().end())
            config_ = Config::parse(found->second, file.files().front());
    }

    /// alpha / rank of a module; PEFT divides by the root of the rank where use_rslora says so.
    double scale(const std::string& module, int64_t rank) const {
        if (!config_) return 1;
        const auto size = static_cast<double>(rank);
        double alpha = config_->number("transformer.lora_alpha", size);
        const Config pattern = config_->object("transformer.alpha_pattern");
        for (const std::string& key : pattern.keys())
            if (module == key || endsWith(module, "." + key)) alpha = pattern.number(key, alpha);
        return alpha / (config_->flag("transformer.use_rslora", false) ? std::sqrt(size) : size);
    }

    std::vector<Problem> problems() const {
        if (!config_) return {};
        if (config_->flag("transformer.use_dora", false))
            config_->problem("transformer.use_dora", "DoRA is not read");
        return config_->problems();
    }

  private:
    std::optional<Config> config_;
};

/// Takes a file's keys apart and holds them against the model.
class Reading {
  public:
    Reading(const SafetensorsSource& file, const TensorSource& model, const ModuleNames& names)
        : file_(file), model_(model), names_(names), config_(file) {}

    std::vector<LoraUpdate> run() {
        for (const auto& [key, info] : file_.tensors()) sort(key, info);
        for (const auto& [module, parts] : modules_) read(module, parts);
        const std::vector<Problem> stored = config_.problems();
        problems.insert(problems.end(), stored.begin(), stored.end());
        return std::move(updates_);
    }

    std::vector<Problem> problems;  ///< of every key

  private:
    using Parts = std::map<Part, std::string>;

    void problem(const std::string& key, const std::string& what) {
        problems.push_back({ExitCode::Model, jsonQuote(key) + " " + what, {file_.files().front()}});
    }

    void sort(const std::string& key, const TensorInfo& info) {
        const auto ending = std::find_if(std::begin(kEndings), std::end(kEndings),
                                         [&](const auto& it) { return endsWith(key, it.first); });
        if (ending == std::end(kEndings))
            return problem(key, "is no part of a LoRA that this version reads");
        const std::string module = names_.find(withoutEnding(key, ending->first));
        if (module.empty()) return problem(key, "names nothing in this model");
        at::ScalarType type{};
        if (ending->second != Part::Alpha &&
            (!dtypeFromName(info.dtype, type) || !at::isFloatingType(type)))
            return problem(key, "holds " + info.dtype + ", floating point was expected");
        const auto [other, fresh] = modules_[module].emplace(ending->second, key);
        if (!fresh) problem(key, "says the same as " + jsonQuote(other->second));
    }

    void read(const std::string& module, const Parts& parts) {
        const auto key = [&](Part part) {
            const auto found = parts.find(part);
            return found == parts.end() ? std::string() : found->second;
        };
        const std::string down = key(Part::Down), up = key(Part::Up);
        if (down.empty() != up.empty())
            problem(down.empty() ? up : down, "has no partner: a LoRA is two matrices");
        if (!down.empty() && !up.empty()) {
            lowRank(module, down, up, key(Part::Alpha), key(Part::UpBias));
        } else if (down.empty() && up.empty()) {
            for (const Part lone : {Part::Alpha, Part::UpBias})
                if (!key(lone).empty()) problem(key(lone), "stands alone, without its matrices");
        }
        const std::string weight =
            model_.tensors().count(module) != 0 ? module : module + ".weight";
        whole(weight, key(Part::Full), 1);
        whole(module + ".bias", key(Part::FullBias), 1);
    }

    void lowRank(const std::string& module, const std::string& down, const std::string& up,
                 const std::string& alpha, const std::string& bias) {
        const auto target = model_.tensors().find(module + ".weight");
        if (target == model_.tensors().end())
            return problem(down, "is for " + module + ", which is no matrix");
        const auto& d = file_.tensors().at(down).shape;
        const auto& u = file_.tensors().at(up).shape;
        const auto& w = target->second.shape;
        const int64_t rank = d.empty() ? 0 : d[0];
        if (rank < 1 || rowSize(d) != rowSize(w) || u.size() < 2 || u[0] != w[0] ||
            rowSize(u) != rank)
            return problem(down,
                           cat("is ", shapeText(d), " and its partner ", shapeText(u),
                               "; together they do not fit ", target->first, " ", shapeText(w)));
        const double scale = alpha.empty() ? config_.scale(module, rank)
                                           : readAlpha(alpha) / static_cast<double>(rank);
        updates_.push_back({target->first, up, down, {}, scale});
        whole(module + ".bias", bias, scale);
    }

    double readAlpha(const std::string& key) {
        const auto& shape = file_.tensors().at(key).shape;
        if (!shape.empty() && (shape[0] != 1 || rowSize(shape) != 1)) {
            problem(key, "is " + shapeText(shape) + ", one number was expected");
            return 0;
        }
        const double alpha = file_.read(key).to(at::kDouble).item<double>();
        if (!std::isfinite(alpha)) problem(key, "is not finite");
        return alpha;
    }

    void whole(const std::string& target, const std::string& key, double scale) {
        if (key.empty()) return;
        const auto found = model_.tensors().find(target);
        if (found == model_.tensors().end())
            return problem(key, "is for " + target + ", which the model does not have");
        const auto& shape = file_.tensors().at(key).shape;
        if (shape != found->second.shape)
            return problem(key, cat("is ", shapeText(shape), ", ", shapeText(found->second.shape),
                                    " was expected"));
        updates_.push_back({target, {}, {}, key, scale});
    }

    const SafetensorsSource& file_;
    const TensorSource& model_;
    const ModuleNames& names_;
    StoredConfig config_;
    std::map<std::string, Parts> modules_;
    std::vector<LoraUpdate> updates_;
};

std::string underscored(std::string name) {
    std::replace(name.begin(), name.end(), '.', '_');
    return name;
}

}  // namespace

ModuleNames::ModuleNames(const TensorSource& model, OriginalName originalName) {
    for (const auto& item : model.tensors()) {
        const std::string module = withoutEnding(withoutEnding(item.first, ".weight"), ".bias");
        for (const std::string& name : {module, originalName(module)}) {
            if (name.empty()) continue;
            modules_.emplace(name, module);
            modules_.emplace(underscored(name), module);
        }
    }
}

std::string ModuleNames::find(const std::string& name) const {
    std::string bare = name;
    for (const std::string prefix : kPrefixes) {
        if (name.rfind(prefix, 0) != 0) continue;
        bare = name.substr(prefix.size());
        break;
    }
    const auto found = modules_.find(bare);
    return found == modules_.end() ? std::string() : found->second;
}

std::vector<LoraUpdate> readLora(const SafetensorsSource& file, const TensorSource& model,
                                 const ModuleNames& names, Problems& problems) {
    constexpr size_t kShown = 20;
    Reading reading(file, model, names);
    std::vector<LoraUpdate> updates = reading.run();
    std::vector<Problem>& found = reading.problems;
    const Place place{file.files().front()};
    if (found.empty() && updates.empty())
        found.push_back({ExitCode::Model, "holds nothing that changes this model", place});
    if (found.size() > kShown) {
        const std::string rest = cat("and ", found.size() - kShown, " more keys that do not fit");
        found.resize(kShown);
        found.push_back({ExitCode::Model, rest, place});
    }
    problems.add(found);
    return updates;
}

}  // namespace derrumbe::model
