#pragma once
#include <nlohmann/json.hpp>
#include <string>

namespace derrumbe::provenance {

/// A log or an envelope as JSON. Discarded (is_discarded) where it is none, or where its values are
/// nested deeper than 64: no log is, and what walks the tree recurses.
nlohmann::ordered_json parseLogJson(const std::string& text);

}  // namespace derrumbe::provenance
