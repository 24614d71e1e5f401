#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "model/weights/gguf_blocks.h"

namespace derrumbe::model {

/// One tensor of a GGUF file, checked: its data lies inside the file and is as long as type and
/// shape ask for.
struct GgufEntry {
    std::string name;
    const GgufType* type = nullptr;
    std::vector<int64_t> shape;   ///< slowest dimension first, the reverse of the file's order
    uint64_t begin = 0, end = 0;  ///< bytes from the start of the file
};

/// A list of the metadata, as the file has it: numbers, or texts behind their lengths (u64), all of
/// which have been checked to lie inside it.
struct GgufArray {
    uint32_t type = 0;  ///< of the elements: 0 u8, 5 i32, 6 f32, 8 text, ...
    uint64_t count = 0;
    std::span<const std::byte> bytes;  ///< in the file
};

struct GgufHeader {
    std::vector<GgufEntry> entries;  ///< in the order of their data
    // metadata
    std::map<std::string, std::string> texts;
    std::map<std::string, bool> flags;
    std::map<std::string, GgufArray> arrays;
};

/// Parses and checks a GGUF file's header (ggml-org/ggml: docs/gguf.md, versions 2 and 3, little
/// endian), trusting nothing: lengths and counts beyond the file, unknown types, names given twice,
/// shapes that overflow or do not divide into blocks, data outside the file or overlapping.
/// `comfy.gguf.orig_shape.NAME` restores a shape that a converter flattened
/// (city96/ComfyUI-GGUF: loader.py). Throws Error(Model) naming `name`.
/// @param file the whole file; only the header is touched
GgufHeader parseGgufHeader(std::span<const std::byte> file, const std::string& name);

}  // namespace derrumbe::model
