#pragma once
#include "support/frames.h"

namespace derrumbe::clip {

/// What counts as changed, of the [-1, 1] range. Between the two the weight falls by a smooth step.
///
/// Chosen by eye's measure, not fitted to footage: 0.06 is 8 steps of 8 bits, a difference that
/// still reads as the same surface. A change below it is not lost, the plate's detail comes on top
/// of it. From 0.16 (20 steps) on, detail of what stood there would show as a ghost in what is
/// there now. A model's own noise raises both (fitThresholds).
struct DetailThresholds {
    float unchanged = 0.06f;  ///< below it the plate's detail stays whole
    float changed = 0.16f;    ///< above it nothing of it stays
};

/// How far the generated picture departs from the plate's own way through the model's VAE: the mean
/// over R, G, B of |generated - reconstruction|, low-passed in space (standard deviation 1.4
/// pixels) and over time (1 frame), so that it neither follows noise nor flickers. 0..2, never NaN:
/// a sample that is no number counts as changed. Both clips have one size; throws Error(Internal)
/// otherwise.
ClipMask departure(const Clip& generated, const Clip& reconstruction);

/// The thresholds for a model that comes back less exactly: the lower one is at least twice the
/// median departure of kept pixels (mask 0: outside the matte, and everywhere before the onset), at
/// most 0.2, so that a model that keeps nothing does not make everything the plate; the upper one
/// stays as far above it. `mask` has the departure's size.
DetailThresholds fitThresholds(const ClipMask& departure, const ClipMask& mask,
                               const DetailThresholds& least = {});

/// How much of the plate's detail stays: 1 where nothing changed, 0 where the model truly changed
/// the picture, and within 3 pixels of it: an edge of what stood there lies half in what looks the
/// same before and after, such as a roof line in the sky, and would stay as a ghost.
ClipMask detailWeights(const ClipMask& departure, const DetailThresholds& thresholds);

/// Gives an enlarged generated picture the plate's detail back, in the encoded domain:
/// picture + weight (plate - reconstruction), which is the plate where the picture is the
/// reconstruction. `picture`, `plate` and `reconstruction` have the channels R, G, B, `weight` has
/// one; all have one data window, the size of the plate's crop. Where weight is 0 (or the sum is no
/// number) the picture keeps its bits. Throws Error(Internal) for windows that differ.
void addPlateDetail(Frame& picture, const Frame& plate, const Frame& reconstruction,
                    const Frame& weight);

}  // namespace derrumbe::clip
