#pragma once
#include "support/frames.h"

namespace derrumbe::image {

/// Grows a matte by a disc of `pixels` (greyscale dilation: soft edges stay as soft as they are),
/// or shrinks it where negative (erosion). Between whole radii the two results are mixed. The
/// frame's border is no edge: a matte that touches it does not shrink away from it.
void growMatte(Matte& matte, double pixels);

/// Softens edges with a quadratic B-spline, which is a Gaussian of sigma = pixels / 6 whose tails
/// end: a hard edge becomes a ramp from 0 to 1 exactly `pixels` wide, half outside and half
/// inside, and what lies further away keeps its value exactly (0 stays 0: the plate's bits). Up to
/// one pixel there is nothing to do.
/// Beyond the border the matte goes on as it is at the border.
void featherMatte(Matte& matte, double pixels);

}  // namespace derrumbe::image
