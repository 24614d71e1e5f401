#pragma once
#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "../test_device.h"
#include "model/weights/config.h"
#include "model/weights/safetensors.h"
#include "model/weights/weights.h"

namespace derrumbe::model {

/// A folder of tests/model/fixtures: a part's configuration and weights, what goes in and what the
/// reference gives.
struct Fixture {
    std::string name;
    Config config;
    std::shared_ptr<const TensorSource> tensors, io;

    explicit Fixture(const std::filesystem::path& folder)
        : name(folder.filename().string()),
          config(Config::read(folder / "config.json")),
          tensors(openSafetensors(folder / "tensors.safetensors")),
          io(openSafetensors(folder / "io.safetensors")) {}

    Weights weights(at::ScalarType dtype = at::kFloat) const {
        return Weights(tensors, testDevice(), dtype);
    }
    at::Tensor value(const std::string& key) const { return io->read(key); }
    at::Tensor floats(const std::string& key) const { return io->read(key).to(at::kFloat); }

    /// Every folder whose name begins with `prefix`, by name.
    static std::vector<Fixture> all(const std::string& prefix) {
        std::vector<std::filesystem::path> folders;
        for (const auto& entry : std::filesystem::directory_iterator(DERRUMBE_TEST_DATA))
            if (entry.path().filename().string().rfind(prefix, 0) == 0)
                folders.push_back(entry.path());
        std::sort(folders.begin(), folders.end());
        return {folders.begin(), folders.end()};
    }
};

}  // namespace derrumbe::model
