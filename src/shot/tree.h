#pragma once
#include <string>
#include <vector>

#include "support/error.h"

namespace derrumbe::shot {

/// A YAML document as plain data in which every value knows its place. Aliases are already
/// replaced.
struct Node {
    enum class Kind { Null, Scalar, List, Map };

    Kind kind = Kind::Null;
    std::string text;     ///< of a scalar
    bool quoted = false;  ///< a scalar in quotes, or a block: text, whatever it looks like
    Place place;
    std::vector<Node> items;        ///< of a list; of a map its values
    std::vector<std::string> keys;  ///< of a map, beside `items`
    std::vector<Place> keyPlaces;   ///< of a map, beside `items`

    const Node* find(const std::string& key) const;  ///< a map's value, or nullptr
    const char* kindText() const;                    ///< "a list", "a mapping", ...
};

/// Limits on what a shot file may hold: it may come from elsewhere, so that none of it may cost
/// much to refuse.
constexpr size_t kMostBytes = size_t{256} << 10;   ///< of the file
constexpr size_t kMostValues = 10000;              ///< after aliases are replaced
constexpr size_t kMostExpanded = size_t{4} << 20;  ///< bytes of text after aliases are replaced
constexpr size_t kMostKeys = 500;                  ///< of one mapping
constexpr int kDeepest = 32;                       ///< lists and mappings inside one another
constexpr int kMostAliases = 100;

/// Parses one YAML document. Gathers duplicate keys in `problems`; throws Error(Usage) at what
/// stops the reading: broken YAML, bytes that are not UTF-8, control characters, a second document,
/// a limit above, tags of other types.
/// @param name what places say for the file
Node parseYaml(const std::string& text, const std::string& name, Problems& problems);

/// Applies one `KEY=VALUE`: VALUE is YAML, KEY a dotted path in which a number counts list entries
/// from 0 and mappings that are not there are made. Adds to `problems` (place `--set KEY`) what
/// cannot be applied.
void applyOverride(Node& root, const std::string& override, Problems& problems);

}  // namespace derrumbe::shot
