#pragma once
#include <unistd.h>

#include <ATen/ATen.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "model/video_model.h"
#include "model/weights/safetensors.h"
#include "model/weights/weights_file.h"

/// Tensors of a file or a model, by name.
using Tensors = std::map<std::string, at::Tensor>;

/// All tensors of one weights file, as they are stored.
inline Tensors read(const std::filesystem::path& file) {
    Tensors all;
    const auto source = derrumbe::model::openWeights(file);
    for (const auto& item : source->tensors()) all[item.first] = source->read(item.first).clone();
    return all;
}

/// A copy of a model folder that a test may change, gone at its end.
struct ModelCopy {
    std::filesystem::path path;
    explicit ModelCopy(const std::filesystem::path& folder) {
        std::string name = (std::filesystem::temp_directory_path() / "model_XXXXXX").string();
        path = ::mkdtemp(name.data());
        std::filesystem::copy(folder, path, std::filesystem::copy_options::recursive);
    }
    ~ModelCopy() { std::filesystem::remove_all(path); }
    void text(const std::string& file, const std::string& content) const {
        std::ofstream(path / file) << content;
    }
    void write(const std::string& file, const Tensors& tensors) const {
        derrumbe::model::writeSafetensors(path / file, tensors);
    }
};

/// What is wrong with a model folder, a line each; empty where nothing is.
inline std::string problems(const std::filesystem::path& folder) {
    std::string text;
    for (const std::string& line : derrumbe::model::checkModel(folder)) text += line + "\n";
    return text;
}

/// Whether `part` stands in `text`.
inline bool says(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}
