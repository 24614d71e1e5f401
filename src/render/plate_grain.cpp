#include "render/plate_grain.h"

#include <algorithm>
#include <cstdint>

#include "image/resample.h"

namespace derrumbe::render {

bool PlateGrain::isChosen(int index) const {
    constexpr std::int64_t chosen = 12;
    const auto frames = static_cast<std::int64_t>(plan_.frames.size());
    return frames <= chosen || index * chosen / frames != (index - 1) * chosen / frames;
}

void PlateGrain::look(const FrameJob& job, const Frame& plate, const Matte* matte) {
    if (plan_.shot.grain == shot::Grain::Off) return;
    const bool measured = isChosen(job.index);
    if (!measured && !isChosen(job.index + 1)) return;
    const auto cropAt = [&](int index) {
        const int last = static_cast<int>(plan_.frames.size()) - 1;
        return image::cropColour(plate, plan_.region.at(std::min(index, last)).pixels());
    };
    // A plate that is held is no new exposure: its grain would seem to be none.
    const bool follows = beforeIndex_ == job.index - 1 && beforeFile_ != job.plate;
    if (measured && beforeFile_ != job.plate)
        meter_.add(cropAt(job.index), matte, follows ? &before_ : nullptr);
    before_ = cropAt(job.index + 1);
    beforeFile_ = job.plate;
    beforeIndex_ = job.index;
}

}  // namespace derrumbe::render
