#pragma once
#include <string>

namespace derrumbe::model {

/// Which of a pair of experts a file is.
enum class ExpertNoise { Unknown, High, Low };

/// By the words of its path inside the model folder, whatever their case: `high` or `low`, alone or
/// before `noise`, as published files have them (high_noise_model/..., ..._HIGH_fp8.safetensors,
/// LowNoise/...-Q4_K_M.gguf). A path with both words, or with neither, says nothing; nor do words
/// that only contain them (flow, slow, highway).
ExpertNoise expertNoise(const std::string& path);

}  // namespace derrumbe::model
