#pragma once
#include <string>
#include <utility>
#include <vector>

namespace derrumbe::text {

/// The text libraries that this was built with, name and version, for the provenance log. What the
/// build could not find out is left out.
std::vector<std::pair<std::string, std::string>> libraryVersions();

}  // namespace derrumbe::text
