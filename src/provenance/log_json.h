#pragma once
#include <nlohmann/json.hpp>
#include <string>

namespace derrumbe::provenance {

/// A log or an envelope as JSON. Discarded (is_discarded) where it is none, or what no log is:
/// nested deeper than 64 (what walks the tree recurses), or with more than 1000 names in one object
/// (each is looked for among those before it).
nlohmann::ordered_json parseLogJson(const std::string& text);

}  // namespace derrumbe::provenance
