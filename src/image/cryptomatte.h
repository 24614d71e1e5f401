#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "image/read_frame.h"

namespace derrumbe::image {

/// Cryptomatte 1.2.0 (Friedman, Jones: "Fully automatic ID mattes with support for motion blur and
/// transparency", SIGGRAPH 2015 posters; Psyop's specification, which the names below follow).

/// MurmurHash3_x86_32 (Appleby, public domain) of the bytes.
std::uint32_t murmurHash3(const std::string& bytes, std::uint32_t seed = 0);

/// The id of a name: its hash, with the float exponents 0 and 255 avoided (they would be zero,
/// denormal, infinite or NaN).
std::uint32_t cryptomatteId(const std::string& name);

/// True where `text` is what `pattern` describes: `*` any run of characters, `?` one.
bool matchesWildcard(const std::string& pattern, const std::string& text);

/// The matte of the named objects: the sum of the coverages whose id is one of theirs, over the
/// image's data window. Names with wildcards are looked up in the manifest (in the header, or in
/// the side-car file that it names, which must lie in the picture's own folder or below); plain
/// names need none. Channels may be called R G B A, r g b a, red green blue alpha.
/// Throws Error(Input) for a layer that is not there (listing those that are), a wildcard without a
/// manifest, a pattern that matches nothing, ids that are not stored as float.
std::vector<float> extractCryptomatte(const PlateImage& image, const std::string& layer,
                                      const std::vector<std::string>& names);

/// The same checks from the header alone.
void checkCryptomatte(const PlateProbe& image, const std::string& layer,
                      const std::vector<std::string>& names);

}  // namespace derrumbe::image
