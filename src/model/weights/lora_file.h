#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/weights/safetensors.h"

namespace derrumbe::model {

/// What a family's original release calls a module of ours ("blocks.0.attn1.to_q"); empty where it
/// has no other name.
using OriginalName = std::string (*)(const std::string& module);

/// The modules of a model by every name that LoRA files give them: ours (diffusers'), the original
/// release's, and both with underscores for dots, which is how kohya's files write them.
class ModuleNames {
  public:
    ModuleNames(const TensorSource& model, OriginalName originalName);

    /// Ours for `name` as a file has it, its prefix included ("transformer.", "diffusion_model.",
    /// "lora_unet_"); empty where the model has no such module.
    std::string find(const std::string& name) const;

  private:
    std::map<std::string, std::string> modules_;
};

/// What a file adds to one tensor of the model: scale * up down, or scale * full.
struct LoraUpdate {
    std::string target;    ///< the model's tensor [out, ...]
    std::string up, down;  ///< the file's: [out, r, 1...] and [r, ...]; empty where `full` is not
    std::string full;      ///< of the target's shape
    double scale = 1;      ///< alpha / rank; 1 for whole differences
};

/// Reads a file's header (and its alphas, one number each) into what it adds to `model`. Keys are
/// MODULE.lora_A.weight or .lora_down.weight (down), .lora_B.weight or .lora_up.weight (up),
/// .lora_B.bias, .alpha, .diff (weight or parameter) and .diff_b (bias). Without an alpha the
/// configuration that diffusers stores in `__metadata__` says it, else it is the rank.
/// diffusers:loaders/lora_conversion_utils.py; Comfy-Org/ComfyUI:comfy/lora.py.
/// Every key that is unknown, misshapen or without its partner is added to `problems`.
std::vector<LoraUpdate> readLora(const SafetensorsSource& file, const TensorSource& model,
                                 const ModuleNames& names, Problems& problems);

}  // namespace derrumbe::model
