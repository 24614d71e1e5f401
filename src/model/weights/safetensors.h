#pragma once
#include <ATen/ATen.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "model/weights/tensor_source.h"

namespace derrumbe::model {

/// Tensors of one safetensors file or of a sharded folder. Files are memory-mapped, headers are
/// checked when they are opened; a tensor handed out shares the mapping's read-only memory and
/// keeps it alive.
class SafetensorsSource : public TensorSource {
  public:
    /// The `__metadata__` of all files, later shards winning.
    virtual const std::map<std::string, std::string>& metadata() const = 0;
};

/// @param path a .safetensors file, or a folder that holds `*.safetensors.index.json` with its
/// shards, or one .safetensors file. Throws Error(Model) with every file's problem. Index entries
/// that leave the folder are refused; pickled weights are never opened.
std::unique_ptr<SafetensorsSource> openSafetensors(const std::filesystem::path& path);

/// Writes tensors (any device and strides) atomically. Widest elements first, names in order, the
/// header padded to 8 bytes, as the reference implementation does, so that every tensor is aligned.
/// Throws Error(Output).
void writeSafetensors(const std::filesystem::path& path,
                      const std::map<std::string, at::Tensor>& tensors,
                      const std::map<std::string, std::string>& metadata = {});

}  // namespace derrumbe::model
