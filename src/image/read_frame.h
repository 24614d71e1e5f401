#pragma once
#include <string>

#include "image/probe.h"
#include "support/frames.h"

namespace derrumbe::image {

/// A picture and what its file says of it.
struct PlateImage : PlateProbe {
    /// Every channel as float, in the file's own colour space: EXR half and float samples exact
    /// (NaN payloads included), integers as n / largest. Alpha is as it is stored: a premultiplied
    /// plate stays so, a PNG's colours are not multiplied.
    Frame frame;
};

/// Reads any picture that OpenImageIO reads, whole.
/// Throws Error(Input) as probe() does, and for a file that is cut off; Error(Memory) where there
/// is no memory for it.
PlateImage readPlate(const std::string& file);

}  // namespace derrumbe::image
