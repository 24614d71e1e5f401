#pragma once
#include <string>

#include "model/weights/renamed.h"

namespace derrumbe::model {

/// How many modules `scope`.0, `scope`.1, ... the names speak of: the highest index and one, at
/// most 1024. `prefix` stands before `scope`.
int indexedModules(const TensorSource& tensors, const std::string& prefix,
                   const std::string& scope);

// The names of the Wan family's parts in other files than diffusers', where `prefix` stands before
// all of them. diffusers:loaders/single_file_utils.py; Wan-Video/Wan2.1:wan/modules.

/// Wan's and VACE's own transformer names: blocks.N.self_attn.q, head.head.
NameTable wanTransformerNames(const TensorSource& tensors, const std::string& prefix);

/// The Wan2.1 VAE's own names: encoder.downsamples.N.residual.2, decoder.middle.1. Which of its
/// numbered layers are resamplers is seen from their tensors.
NameTable wanVaeNames(const TensorSource& tensors, const std::string& prefix);

/// Wan's own text encoder: blocks.N.attn.q, blocks.N.ffn.gate.0 (wan/modules/t5.py).
NameTable wanTextNames(const TensorSource& tensors, const std::string& prefix);

/// The text encoder in GGUF files: enc.blk.N.attn_q (ggml-org/llama.cpp:
/// gguf-py/gguf/tensor_mapping.py, T5ENCODER).
NameTable ggufTextNames(const TensorSource& tensors, const std::string& prefix);

/// Where q, k and v of the vision tower are one, which `splitRows` takes apart: its name in the
/// tables below, and theirs in transformers.
inline constexpr const char* kClipJoint = "qkv_proj";
inline constexpr const char* kClipParts[] = {"q_proj", "k_proj", "v_proj"};

/// Wan's own CLIP vision tower: transformer.N.attn.to_qkv (wan/modules/clip.py).
NameTable wanClipNames(const TensorSource& tensors, const std::string& prefix);

/// OpenCLIP's: transformer.resblocks.N.attn.in_proj_weight (mlfoundations/open_clip:
/// src/open_clip/transformer.py, VisionTransformer).
NameTable openClipNames(const TensorSource& tensors, const std::string& prefix);

}  // namespace derrumbe::model
