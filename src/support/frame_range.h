#pragma once
#include <string>
#include <vector>

namespace derrumbe {

/// Frames in the order asked for, each once.
using FrameList = std::vector<int>;

/// Parses fileseq syntax: `1001-1049`, `1001-1049x2` (every second), `1001-1049y2` (all but every
/// second), `1001,1005,1010-1020`, counting down, negative numbers; and `:` as a step (what Open
/// Job Description hands out). Throws Error(Usage) naming the part that is wrong; sub-frame steps,
/// zero steps and more than 1,000,000 frames (those named again included) are errors.
FrameList parseFrameRange(const std::string& text);

/// The shortest usual text for the frames, e.g. `1001-1049`, `1001-1049x2`, `1,5,7-9`.
std::string formatFrameRange(const FrameList& frames);

}  // namespace derrumbe
