#pragma once
#include "clip/plate_motion.h"
#include "support/frames.h"

namespace derrumbe::clip {

/// The plate's detail on what moves: a model of few pixels knows where a facade falls, and makes it
/// soft; the plate knows what it looks like. Where the generated picture still shows what the plate
/// showed, somewhere else, what is finer than `kCarriedBand` working pixels comes from the plate,
/// at its own resolution, with as much contrast as dust leaves of it.
struct CarriedDetail {
    PlateMotion motion;
    ClipMask weight;  ///< how much of the plate's contrast a pixel gets, 0..1; no frames: none
    /// What the pixel of that frame gets that gets the most.
    float most(int frame) const;
    /// Whether any pixel of it gets some.
    bool any(int frame) const { return most(frame) > kLeast; }

    static constexpr float kLeast = 1e-3f;  ///< below it nothing is added
};

/// Standard deviation of the Gaussian that tells detail from what lies under it: half of the 8
/// pixels for which a VAE of this family has one latent.
constexpr double kCarriedBand = 4;

/// Follows the plate through the generated picture (followPlate), finds where it is still to be
/// seen though it moved, and takes the model's own detail out of `generated` there, as far as it is
/// but a softer picture of the plate's.
///
/// Of the two pictures, low-passed by 2 pixels, the squared correlation around a pixel (a Gaussian
/// of 8 pixels) says how sure it is: from 0.1 on, whole at 0.4. The slope is the contrast that is
/// left. What moves fast is smeared over the frames of a latent: where the plate, smeared like
/// that, is the more similar one, it counts. Slopes of what is finer than 1.5 pixels say how sharp
/// the model itself is: from 0.4 of the contrast on what it added (cracks) is kept, whole at 0.9.
/// All three are steadied over time (standard deviation 1.4 frames). What moved by less than half a
/// pixel is left to `still`, 1 where the plate's detail stays in its place (detailWeights). `mask`
/// (1: the model paints) has to hold the place in the plate too.
///
/// All have one size; throws Error(Internal) otherwise. `workers` threads.
CarriedDetail carryDetail(Clip& generated, const Clip& reconstruction, const ClipMask& mask,
                          const ClipMask& still, int workers);

/// What the low-pass of the plate is at the places of one frame: `[3][height][width]` in [-1, 1],
/// to be subtracted from the plate's pixels there.
std::vector<float> carriedBase(const SourcePlaces& places, const Clip& reconstruction, int frame);

/// Adds the plate's detail to an enlarged picture, in the encoded domain:
/// picture + weight (plate at the place - base), kept in [0, 1] where it was.
///
/// `fields` has the channels place x and y (plate pixels, the window's coordinates, the middle of a
/// pixel at + 0.5), speed x and y (plate pixels a frame) and weight; `base` R, G, B; both have the
/// picture's window. The plate is sampled by Catmull-Rom's cubic and blurred along its way for half
/// a frame, as a shutter of 180 degrees does. `front`, where it is not empty, is 1 where a pixel
/// of the plate belongs to what moves, over the plate's data window, and 0 where something stands
/// in front of it that must not come along. Places outside of `plate` add nothing. Throws
/// Error(Internal) for windows or channels that differ.
void addCarriedDetail(Frame& picture, const Frame& plate, const Frame& fields, const Frame& base,
                      const Matte& front);

}  // namespace derrumbe::clip
