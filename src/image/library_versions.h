#pragma once
#include <string>
#include <utility>
#include <vector>

namespace derrumbe::image {

/// The picture libraries of this process, name and version, for the provenance log.
std::vector<std::pair<std::string, std::string>> libraryVersions();

}  // namespace derrumbe::image
