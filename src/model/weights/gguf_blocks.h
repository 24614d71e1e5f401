#pragma once
#include <ATen/ATen.h>

#include <cstddef>
#include <cstdint>

namespace derrumbe::model {

/// How a GGUF file stores the values of one tensor type: blocks of `values` along the last
/// dimension in `bytes` each (ggml-org/ggml: docs/gguf.md, enum ggml_type; block layouts:
/// src/ggml-common.h).
struct GgufType {
    uint32_t id;
    const char* name;
    int64_t values, bytes;
    const char* dtype;  ///< what a tensor of it is once read, as safetensors names it
    /// One block to `values` floats; null for types that are plain numbers.
    void (*unpack)(const std::byte* block, float* values);
};

/// Null for a type that is not read here.
const GgufType* ggufType(uint32_t id);

/// The names of the types that are read, for messages.
const char* ggufTypeNames();

/// Quantised blocks as float32: scale times number (minus minimum), each product and sum rounded to
/// float32 as the reference does. `data` holds exactly the blocks of `shape`, whose last dimension
/// is a multiple of the block.
at::Tensor dequantise(const GgufType& type, const std::byte* data, at::IntArrayRef shape);

}  // namespace derrumbe::model
