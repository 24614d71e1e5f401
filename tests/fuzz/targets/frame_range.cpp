#include "support/frame_range.h"

#include <algorithm>

#include "../check.h"
#include "../targets.h"

namespace derrumbe::fuzz {

void frameRange(const std::string& bytes) {
    accepted(ExitCode::Usage, [&] {
        const FrameList frames = parseFrameRange(bytes);
        expect(!frames.empty(), "a range that is taken names a frame");
        if (frames.size() > 2000) return;  // the rest costs more than it shows
        FrameList sorted = frames;
        std::sort(sorted.begin(), sorted.end());
        expect(std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end(),
               "a frame is named once");
        const std::string text = formatFrameRange(frames);
        if (text.size() < 100000)
            expect(parseFrameRange(text) == frames, "the text of the frames means the frames");
    });
}

}  // namespace derrumbe::fuzz
