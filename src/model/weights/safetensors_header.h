#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace derrumbe::model {

/// One tensor of a safetensors header, checked: `end - begin` is exactly the size that dtype and
/// shape ask for, and [begin, end) lies inside the data.
struct SafetensorsEntry {
    std::string name, dtype;
    std::vector<int64_t> shape;
    uint64_t begin = 0, end = 0;  ///< bytes from the start of the data
};

struct SafetensorsHeader {
    std::vector<SafetensorsEntry> entries;  ///< in the order of their data
    std::map<std::string, std::string> metadata;
};

/// The longest header that is read, as in the reference implementation.
constexpr uint64_t kLongestSafetensorsHeader = 100'000'000;

/// Parses and checks the JSON of a safetensors file (without its 8 length bytes), trusting nothing:
/// depth, types, duplicate names, unknown dtypes, negative and overflowing shapes, offsets outside
/// the data, overlaps and holes (the data must be covered exactly, huggingface/safetensors README).
/// Throws Error(Model) naming `file`.
SafetensorsHeader parseSafetensorsHeader(std::string_view text, uint64_t dataBytes,
                                         const std::string& file);

}  // namespace derrumbe::model
