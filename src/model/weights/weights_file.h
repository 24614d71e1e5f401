#pragma once
#include <filesystem>
#include <memory>

#include "model/weights/tensor_source.h"

namespace derrumbe::model {

/// What a file is by its first bytes, whatever it is called.
enum class FileKind {
    Safetensors,
    Gguf,
    Pickle,  ///< torch.save's, old or new (a zip archive): may run code when opened, so never is
    Other    ///< anything else, or not to be read
};
FileKind fileKind(const std::filesystem::path& file);

/// Tensors of a safetensors or GGUF file or of the shards that a *.safetensors.index.json names.
/// Throws Error(Model); for a pickle with what to do about it.
std::unique_ptr<TensorSource> openWeights(const std::filesystem::path& file);

/// Why a pickle is not opened, and what to do.
const char* pickleRefusal();

}  // namespace derrumbe::model
