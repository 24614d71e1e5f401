#pragma once
#include <array>
#include <string>
#include <vector>

namespace derrumbe::image {

/// The Color Interop Forum id (lin_ap0_scene, lin_ap1_scene, lin_rec709_scene, ...) of linear light
/// in these primaries and white (x, y of red, green, blue, white; within 0.0005), or empty.
std::string spaceOfChromaticities(const std::array<float, 8>& xy);

/// Names under which configurations have the space of an id, the id itself first: the ACES
/// configurations of OpenColorIO 1 and 2 and our own.
std::vector<std::string> namesOfSpace(const std::string& id);

/// Primaries and white of a linear space that is known by one of the names above; nothing found:
/// all zero.
std::array<float, 8> chromaticitiesOf(const std::string& name);

}  // namespace derrumbe::image
