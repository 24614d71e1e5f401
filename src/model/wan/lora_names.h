#pragma once
#include <string>
#include <utility>
#include <vector>

namespace derrumbe::model {

/// What Wan's own files call a module of the transformer that diffusers calls `module`
/// ("blocks.0.attn1.to_q" is "blocks.0.self_attn.q" there); empty where both names are the same.
/// huggingface/diffusers:scripts/convert_wan_to_diffusers.py, TRANSFORMER_KEYS_RENAME_DICT and
/// VACE_TRANSFORMER_KEYS_RENAME_DICT.
std::string originalWanName(const std::string& module);

/// Every module of a transformer with so many blocks that has another name there: diffusers',
/// Wan's.
std::vector<std::pair<std::string, std::string>> originalWanNames(int blocks, int vaceBlocks);

}  // namespace derrumbe::model
