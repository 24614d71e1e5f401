#pragma once
#include <string>

namespace derrumbe::cli {

/// A small display-referred picture of a frame, as a `data:image/png` URI for a page.
/// @param colorspace of the file, as OCIO names it; empty: found out as a plate's
/// @param width pixels
/// Throws Error(Input) where the frame cannot be read.
std::string pngDataUri(const std::string& file, const std::string& colorspace, int width);

}  // namespace derrumbe::cli
