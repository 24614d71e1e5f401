#pragma once
#include <string>
#include <vector>

#include "support/frames.h"

namespace derrumbe::image {

/// A matte as the artist asks for it; the shot file's matte entry, for one frame.
struct MatteRequest {
    std::string file;
    /// A channel's name; "luminance" (Rec. 709 weights of R, G, B); empty: A where it is there,
    /// else the first channel.
    std::string channel;
    /// A Cryptomatte layer (CryptoObject) and its names, with `*` and `?` as wildcards, instead of
    /// a channel; empty: none.
    std::string cryptomatteLayer;
    std::vector<std::string> cryptomatteNames;
    bool invert = false;  ///< 1 - value, before grow and feather
    double grow = 0;      ///< plate pixels; negative shrinks
    double feather = 0;   ///< plate pixels, width of the soft edge
};

/// Reads a matte over the plate's data window: inverted, grown, feathered; NaN is 0, values are
/// clamped to [0, 1].
///
/// A matte may have another data window than the plate (it is 0 outside), but its display window
/// must be of the plate's size; a picture of exactly the plate's data window's size is laid over
/// that. Otherwise Error(Input) says both sizes and what to do. A channel or Cryptomatte name that
/// is not there is an Error(Input) that lists what is.
Matte readMatte(const MatteRequest& request, const Window& plateData, const Window& plateDisplay);

/// The header's part of readMatte's checks, without reading pixels: a whole file, size, channel.
/// For `validate`.
void checkMatte(const MatteRequest& request, const Window& plateData, const Window& plateDisplay);

/// The greater of the two at every pixel; both over the same window, an empty first one counts as
/// nothing.
void uniteMattes(Matte& matte, const Matte& other);

/// Cuts a matte out of another: value (1 - other), "out" of Porter and Duff, Compositing Digital
/// Images, SIGGRAPH 1984. Both over the same window. Where `other` is 0 the value keeps its bits,
/// where it is 1 the result is 0 exactly.
void subtractMatte(Matte& matte, const Matte& other);

}  // namespace derrumbe::image
