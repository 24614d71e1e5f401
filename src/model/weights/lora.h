#pragma once
#include <memory>
#include <string>
#include <vector>

#include "model/description.h"
#include "model/weights/lora_file.h"

namespace derrumbe::model {

/// The tensors of a model part with LoRAs merged in, in their order: W += strength * alpha / rank *
/// B A (Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models", section 4.1), in
/// float32 when a tensor is read, so that layers know nothing of them. Tensors that no LoRA touches
/// come as they are. Throws Error(Model) with everything that is wrong in any of the files.
std::shared_ptr<const TensorSource> mergeLoras(std::shared_ptr<const TensorSource> model,
                                               const std::vector<LoraFile>& loras,
                                               OriginalName originalName);

/// The licence that a LoRA's `__metadata__` states (Stability-AI/ModelSpec: modelspec.license, or
/// license); empty where it states none or the file cannot be read.
std::string loraLicense(const std::filesystem::path& file);

}  // namespace derrumbe::model
