#pragma once
#include <string>

namespace derrumbe::image {

/// Checks that every chunk (block of scan lines, or tile) of an EXR is in the file: OpenEXR writes
/// a table of their places behind the header, with a 0 for each that was never written. After "The
/// OpenEXR File Layout" (openexr.com, Academy Software Foundation), "Chunk Offset Table".
/// Throws Error(Input) naming the file and how much of it is missing.
void checkExrChunks(const std::string& file);

}  // namespace derrumbe::image
