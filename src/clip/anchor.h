#pragma once
#include <array>
#include <vector>

#include "support/frames.h"

namespace derrumbe::clip {

struct AnchorOptions {
    int ring = 12;               ///< working pixels around the mask that are compared
    double smoothing = 3;        ///< standard deviation over time, frames; 0 = each frame by itself
    double largestGain = 1.4;    ///< gains stay within [1 / largestGain, largestGain]
    double largestOffset = 0.3;  ///< of the [-1, 1] range
};

/// A gain and an offset for every channel and frame, in the model's encoded domain.
struct Anchor {
    int frames = 0;
    std::array<std::vector<float>, 3> gain, offset;

    static Anchor identity(int frames);
};

/// Measures how the model's picture drifted in colour where the truth is known, so that what it
/// made inside the mask can be brought back with it (a video model shifts kept regions too: the
/// reference's notes on drift).
///
/// Compared are kept pixels (mask 0) of `generated` and `plate` within `ring` of what is masked in
/// any frame; before the onset, where the mask is empty, that takes in the very place of the
/// destruction. Per channel and frame: least squares plate = gain generated + offset, made robust
/// by Tukey's biweight (pixels that truly changed, such as thin dust over the border, lose their
/// vote), with a weak pull to gain 1 and offset 0 that decides where the ring is flat or empty. The
/// fit's sums are smoothed over time, each frame by its number of pixels. All three have the same
/// sizes; throws Error(Internal) otherwise.
Anchor fitAnchor(const Clip& generated, const Clip& plate, const ClipMask& mask,
                 const AnchorOptions& options = {});

/// value = gain value + offset, taken into [-1, 1]; a NaN stays NaN.
void applyAnchor(Clip& clip, const Anchor& anchor);

}  // namespace derrumbe::clip
