#pragma once
#include "image/probe.h"

namespace derrumbe::image {

/// Whether a file is there to its end, as far as that can be told without decoding a pixel: the
/// chunks of an EXR are all in its table and lie within the file; a JPEG and a PNG have their end
/// marker. Other formats are not looked at. A few reads a file, whatever its size.
/// Throws Error(Input) naming the file.
void checkWhole(const PlateProbe& picture);

/// Whether a picture has colours that can be read as light: R, G, B or Y, and not as the 32-bit
/// integers of an EXR, which are object ids. Throws Error(Input) naming the file and what it has.
void checkColour(const PlateProbe& picture);

}  // namespace derrumbe::image
