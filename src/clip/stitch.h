#pragma once
#include <cstdint>

#include "support/frames.h"

namespace derrumbe::clip {

/// What a stitch did, for the log.
struct StitchCounts {
    std::int64_t touched = 0;  ///< pixels that took something of the generated picture
    std::int64_t clamped = 0;  ///< samples brought into half's range
    std::int64_t nonFinite =
        0;  ///< pixels whose generated value was NaN or infinite: the plate's stay
    std::int64_t uncovered =
        0;  ///< pixels inside the matte that the generated picture does not reach

    StitchCounts& operator+=(const StitchCounts& other);
};

/// The largest finite half, 65504: generated samples are kept within plus and minus it.
constexpr float kLargestHalf = 65504.f;

/// Puts the generated picture into the plate, where the matte is above 0:
/// RGB = plate (1 - m) + generated m, both scene-linear in the plate's colour space.
///
/// - Where m is 0 (or NaN, or outside the matte's window) nothing is written: the plate's samples
/// keep
///   their bits, NaN payloads and values beyond half included. Where m >= 1 the generated value
///   stands alone, so that a plate's NaN does not leak through 0 * NaN; a plate sample that is not
///   finite also gives way inside a soft edge.
/// - A generated pixel with a NaN or infinite channel is left to the plate whole (one channel alone
///   would tint it).
/// - Only R, G and B change. Alpha, depth and all other channels keep their bits, under a
/// premultiplied
///   alpha too: the generated picture is what the model saw (premultiplied RGB), brought back.
/// - A plate without R, G, B but with a channel Y takes the Rec. 709 luminance.
/// `generated` has the channels R, G, B over its own data window (the crop).
/// Throws Error(Input) for a plate with neither R, G, B nor Y.
StitchCounts stitch(Frame& plate, const Matte& matte, const Frame& generated);

}  // namespace derrumbe::clip
