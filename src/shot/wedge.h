#pragma once
#include <string>
#include <vector>

#include "support/error.h"

namespace derrumbe::shot {

/// One key and the values that it is to be tried with.
struct Wedge {
    std::string key;                  ///< dotted path, as --set takes it
    std::vector<std::string> values;  ///< each as YAML that gives the same value again; never empty
};

/// Reads `KEY=V1,V2,...`: what stands behind the sign is a YAML flow sequence without its brackets,
/// so that text with a comma or a colon goes in quotes. Whether the key exists and the values fit
/// it is for loadShot() to say, which takes them as overrides. Adds to `problems` (place `--wedge
/// KEY`) what is no key, no single value, or stands twice; the wedge is usable only if none is an
/// error.
Wedge parseWedge(const std::string& option, Problems& problems);

/// Every combination of the wedges' values as KEY=VALUE, the last wedge's changing fastest. Without
/// wedges one that is empty.
std::vector<std::vector<std::string>> combinations(const std::vector<Wedge>& wedges);

}  // namespace derrumbe::shot
