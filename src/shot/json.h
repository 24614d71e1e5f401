#pragma once
#include <string>

#include "shot/tree.h"

namespace derrumbe::shot {

/// A value as JSON text: plain scalars become null, booleans and numbers where they look like one
/// (YAML's core schema, decimal), everything else text.
std::string nodeJson(const Node& node);

}  // namespace derrumbe::shot
