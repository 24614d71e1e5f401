#include "model/weights/safetensors.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "model/weights/config.h"
#include "model/weights/dtypes.h"
#include "model/weights/mapped_tensor.h"
#include "model/weights/safetensors_header.h"
#include "support/log.h"
#include "support/strings.h"

namespace derrumbe::model {

namespace fs = std::filesystem;

namespace {

constexpr const char* kIndexEnding = ".safetensors.index.json";

/// One mapped file with its checked header.
struct Shard {
    std::shared_ptr<MappedFile> mapping;
    SafetensorsHeader header;
    uint64_t dataStart = 0;
};

Shard openShard(const fs::path& file) {
    Shard shard;
    shard.mapping = std::make_shared<MappedFile>(file);
    const uint64_t size = shard.mapping->size();
    const auto refuse = [&](const std::string& what) -> void {
        throw Error(ExitCode::Model, "not a valid safetensors file: " + what, {file.string()});
    };
    if (size < 8) refuse("shorter than its header's length");
    uint64_t length = 0;  // little endian, as every machine this runs on
    std::memcpy(&length, shard.mapping->data(), 8);
    if (length > kLongestSafetensorsHeader) refuse(cat("its header claims ", length, " bytes"));
    if (length > size - 8) refuse(cat("its header claims ", length, " bytes of a file of ", size));
    shard.dataStart = 8 + length;
    const std::string_view text(reinterpret_cast<const char*>(shard.mapping->data()) + 8, length);
    shard.header = parseSafetensorsHeader(text, size - shard.dataStart, file.string());
    return shard;
}

class MappedSource : public SafetensorsSource {
  public:
    /// @param index tensor name -> shard it should be in; empty for a single file
    MappedSource(const std::vector<fs::path>& files,
                 const std::map<std::string, std::string>& index, const fs::path& indexFile) {
        Problems problems;
        for (const fs::path& file : files) {
            try {
                add(openShard(file), file, problems);
            } catch (const Error& error) {
                problems.add(error.problems());
            }
        }
        if (!problems.hasErrors()) {
            for (const auto& [name, file] : index) {
                const auto found = infos_.find(name);
                if (found == infos_.end() || fs::path(found->second.file).filename() != file)
                    problems.error(ExitCode::Model,
                                   jsonQuote(name) + " is not in " + jsonQuote(file),
                                   {indexFile.string()});
            }
        }
        problems.throwIfErrors();
    }

    const std::map<std::string, TensorInfo>& tensors() const override { return infos_; }
    const std::map<std::string, std::string>& metadata() const override { return metadata_; }
    std::vector<std::string> files() const override { return files_; }

    at::Tensor read(const std::string& name) const override {
        const auto found = places_.find(name);
        if (found == places_.end())
            throw Error(ExitCode::Model, "no tensor is named " + jsonQuote(name));
        const Location& place = found->second;
        at::ScalarType type{};
        dtypeFromName(place.entry.dtype, type);
        return mappedTensor(place.mapping, place.dataStart + place.entry.begin, type,
                            place.entry.shape);
    }

  private:
    struct Location {
        std::shared_ptr<MappedFile> mapping;
        uint64_t dataStart = 0;
        SafetensorsEntry entry;
    };

    void add(Shard shard, const fs::path& file, Problems& problems) {
        files_.push_back(file.string());
        for (auto& [key, value] : shard.header.metadata) metadata_[key] = value;
        for (SafetensorsEntry& entry : shard.header.entries) {
            const std::string name = entry.name;
            const auto bytes = static_cast<int64_t>(entry.end - entry.begin);
            if (!infos_.emplace(name, TensorInfo{entry.dtype, entry.shape, file.string(), bytes})
                     .second) {
                problems.error(ExitCode::Model,
                               jsonQuote(name) + " is in " + infos_[name].file + " as well",
                               {file.string()});
                continue;
            }
            places_[name] = {shard.mapping, shard.dataStart, std::move(entry)};
        }
    }

    std::map<std::string, TensorInfo> infos_;
    std::map<std::string, Location> places_;
    std::map<std::string, std::string> metadata_;
    std::vector<std::string> files_;
};

/// A shard's name as an index may give it: a plain file name, nothing that leaves the folder.
bool plainName(const std::string& name) {
    return !name.empty() && name != "." && name != ".." &&
           name.find_first_of(std::string("/\\\0", 3)) == std::string::npos;
}

std::unique_ptr<SafetensorsSource> openIndex(const fs::path& index) {
    const Config config = Config::read(index).object("weight_map");
    std::map<std::string, std::string> map;
    std::set<fs::path> files;
    for (const std::string& name : config.keys()) {
        const std::string file = config.text(name, "");
        if (!plainName(file)) {
            config.problem(jsonQuote(name),
                           jsonQuote(file) + " is not the name of a file in this folder");
            continue;
        }
        map[name] = file;
        files.insert(index.parent_path() / file);
    }
    if (map.empty() && config.problems().empty()) config.problem("", "names no tensor");
    config.throwIfProblems();
    return std::make_unique<MappedSource>(std::vector<fs::path>(files.begin(), files.end()), map,
                                          index);
}

bool endsWith(const std::string& text, const std::string& ending) {
    return text.size() >= ending.size() &&
           text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

}  // namespace

std::unique_ptr<SafetensorsSource> openSafetensors(const fs::path& path) {
    std::error_code code;
    if (!fs::is_directory(path, code)) {
        if (endsWith(path.string(), kIndexEnding)) return openIndex(path);
        return std::make_unique<MappedSource>(std::vector{path},
                                              std::map<std::string, std::string>{}, path);
    }
    std::vector<fs::path> indices, singles;
    bool pickles = false;
    for (const auto& item : fs::directory_iterator(path, code)) {
        const std::string name = item.path().filename().string();
        if (endsWith(name, kIndexEnding)) indices.push_back(item.path());
        if (endsWith(name, ".safetensors")) singles.push_back(item.path());
        if (endsWith(name, ".bin") || endsWith(name, ".pt") || endsWith(name, ".pth") ||
            endsWith(name, ".ckpt"))
            pickles = true;
    }
    if (indices.size() == 1) return openIndex(indices.front());
    if (indices.size() > 1)
        throw Error(ExitCode::Model, "more than one *.safetensors.index.json", {path.string()});
    // Variants (model.fp16.safetensors) may lie beside the plain file: the plain one is meant.
    for (const char* plain : {"diffusion_pytorch_model.safetensors", "model.safetensors"}) {
        if (std::find(singles.begin(), singles.end(), path / plain) != singles.end())
            singles = {path / plain};
    }
    if (singles.size() == 1)
        return std::make_unique<MappedSource>(singles, std::map<std::string, std::string>{}, path);
    throw Error(ExitCode::Model,
                singles.empty()
                    ? std::string("no .safetensors file") +
                          (pickles ? "; pickled weights are never opened, convert them" : "")
                    : "several .safetensors files and no index that tells which",
                {path.string()});
}

}  // namespace derrumbe::model
