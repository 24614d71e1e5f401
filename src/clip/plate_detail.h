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

/// 1 where nothing changed, 0 where the model truly changed the picture.
ClipMask unchanged(const ClipMask& departure, const DetailThresholds& thresholds);

/// How much of the plate's detail stays, 0..1: the contrast that the model left of what stood
/// there. 1 where the picture is the plate's, 0 where the building is gone, in between behind haze
/// or dust.
///
/// It is the slope by which the generated picture follows the reconstruction around a pixel (its
/// covariance with it over the variance, all channels, standard deviation 2.4 pixels and 1 frame),
/// as a guided filter takes it (He, Sun, Tang, "Guided Image Filtering", ECCV 2010, section 3.1),
/// times the share of the generated picture's variance that this explains (the squared
/// correlation): rubble that looks a little like the wall before it is not that wall. Where the
/// reconstruction is flat there is no contrast to follow, and `unchanged` decides. `mask` (0: kept)
/// finds how exactly the model comes back: fitThresholds. All have one size; throws Error(Internal)
/// otherwise.
ClipMask detailWeights(const Clip& generated, const Clip& reconstruction, const ClipMask& mask);

/// Gives an enlarged generated picture the plate's detail back, in the encoded domain:
/// picture + weight (plate - reconstruction), which is the plate where the picture is the
/// reconstruction. `picture`, `plate` and `reconstruction` have the channels R, G, B, `weight` has
/// one; all have one data window, the size of the plate's crop. Where weight is 0 (or the sum is no
/// number) the picture keeps its bits. Throws Error(Internal) for windows that differ.
void addPlateDetail(Frame& picture, const Frame& plate, const Frame& reconstruction,
                    const Frame& weight);

}  // namespace derrumbe::clip
