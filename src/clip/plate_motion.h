#pragma once
#include <vector>

#include "support/frames.h"

namespace derrumbe::clip {

/// Where the things that the plate shows went in a generated picture of them, as a field over the
/// plate that is locally affine: facades fall, tilt and shear, they do not flow.
///
/// Offsets are those of nodes, `step` working pixels apart, the first `first` pixels from the left
/// and from the top (the middle of the first pixel is 0); bilinear between them, and beyond the
/// last ones they go on.
struct PlateMotion {
    int frames = 0, height = 0, width = 0;  ///< of the working picture
    int rows = 0, columns = 0;
    float first = 0, step = 1;
    std::vector<float> offsets;  ///< `[frames][2][rows][columns]`, working pixels, x then y

    const float* offsetsAt(int frame, int axis) const;
    /// The longest offset of a node in that frame.
    float most(int frame) const;
};

/// For every pixel of a frame of the generated picture the place in the plate's frame that is to be
/// seen there, and how fast what is there moves, in working pixels and working pixels a frame;
/// `[height][width]` each.
struct SourcePlaces {
    std::vector<float> x, y, speedX, speedY;
};

/// Follows the plate's way through the VAE (`reconstruction`) through the generated picture, from
/// the first frame on in which `mask` is set. Camera motion, which both show, is none.
///
/// Blocks of 13 pixels, 8 apart, are looked for within 4 pixels around where they would be if they
/// went on as before, by normalised cross-correlation (Lewis, "Fast Normalized Cross-Correlation",
/// Vision Interface 1995), which haze does not change. Those that are found, and do not just stand
/// still, vote for affine fields around every node, windows of a fifth of the picture's longer side
/// (one standard deviation); votes that disagree with their surroundings lose their weight
/// (Geman-McClure's estimator by iterated least squares). Where few are left what moved comes to
/// rest; through a frame without a mask it goes on. Last, offsets are steadied over seven frames.
/// Pictures longer than 288 pixels are followed at a half, a third, ... of their size.
///
/// All have one size; throws Error(Internal) otherwise. `workers` threads; the result does not
/// depend on how many.
PlateMotion followPlate(const Clip& generated, const Clip& reconstruction, const ClipMask& mask,
                        int workers);

/// The inverse of a frame's field. Where it folds, one of the places that are possible.
SourcePlaces sourcePlaces(const PlateMotion& motion, int frame);

}  // namespace derrumbe::clip
