#pragma once
#include <optional>
#include <string>
#include <vector>

#include "image/compare.h"

namespace derrumbe::cli {

/// What came of one pair of frames.
struct FrameResult {
    std::string name;  ///< the frame's number, or the picture's path
    image::Comparison comparison;
    std::optional<double> flip;  ///< mean FLIP, 0 to 1; none where the pictures cannot be compared
    std::string error;           ///< why a picture could not be read; empty: it could
    bool passed = false;
};

/// One line for people.
std::string describe(const FrameResult& result);

/// A list of objects, one a frame. JSON has no infinity: equal pictures have no PSNR there.
std::string resultJson(const std::vector<FrameResult>& results);

/// One test case a frame: a difference is a failure, an unreadable picture an error. The measured
/// values stand in each case's properties.
std::string resultJunit(const std::vector<FrameResult>& results);

}  // namespace derrumbe::cli
