#pragma once
#include <cstdint>
#include <functional>

#include "support/frames.h"

namespace derrumbe::render {

/// Brings a picture into the delivered colour space without breaking what was promised of it: where
/// a sample was finite it stays so (infinity becomes half's largest value with its sign, NaN
/// becomes 0), and where the matte is above 0 it stays within half's range. Samples that were NaN
/// or infinite before, as the plate may hold them, are left as `convert` leaves them.
/// Returns how many samples had to be brought back.
std::int64_t convertKept(Frame& frame, const Matte& matte,
                         const std::function<void(Frame&)>& convert);

}  // namespace derrumbe::render
