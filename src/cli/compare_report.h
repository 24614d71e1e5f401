#pragma once
#include <optional>
#include <string>
#include <vector>

#include "image/compare.h"
#include "support/error.h"

namespace derrumbe::cli {

/// What came of one pair of frames.
struct FrameResult {
    std::string name;  ///< the frame's number, or the picture's path
    image::Comparison comparison;
    std::optional<double> flip;  ///< mean FLIP, 0 to 1; none where the pictures cannot be compared
    std::string error;           ///< why a picture could not be read; empty: it could
    ExitCode errorCode = ExitCode::Input;  ///< of `error`
    bool passed = false;
};

/// What was found, for people.
std::string describe(const FrameResult& result);

/// One line for people: name, verdict, what was found.
std::string resultLine(const FrameResult& result);

/// What a command ends with: a difference, else the first error.
ExitCode outcome(const std::vector<FrameResult>& results);

/// A list of objects, one a frame. JSON has no infinity: equal pictures have no PSNR there.
std::string resultJson(const std::vector<FrameResult>& results);

/// One test case a frame: a difference is a failure, an unreadable picture an error. The measured
/// values stand in each case's properties.
/// @param command  names the suite `derrumbe COMMAND`
std::string resultJunit(const std::vector<FrameResult>& results, const std::string& command);

}  // namespace derrumbe::cli
