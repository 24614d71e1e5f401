#pragma once
#include "support/frames.h"

namespace derrumbe::clip {

/// Lets what the model made run out in the plate's colour along the matte's edge: dust ends there,
/// for the composite does, and would end like cut off.
///
/// Along the edge (where the matte is below a half, and near where it is not) the plate is known to
/// both sides. What the generated picture lacks there goes on into the matte and dies away, as a
/// membrane would that is held at the edge (Perez, Gangnet, Blake, "Poisson Image Editing",
/// SIGGRAPH 2003, section 2), made by normalised convolution (Knutsson, Westin, CVPR 1993) with a
/// Gaussian of `kSeamReach` working pixels: about three quarters of the difference at the edge, a
/// third at twice the reach. A difference of more than `kSeamRobust` of the code's range of 2 is no
/// haze but another thing, and counts less (Welsch's weight).
///
/// Where the matte is 0 nothing changes, below a quarter less.
/// `generated`, `plate` in [-1, 1]; `matte` is the composite's as drawn, soft, 0..1. Frames in
/// which `mask` is empty stay as they are. All have one size; throws Error(Internal) otherwise.
/// `workers` threads.
void healSeam(Clip& generated, const Clip& plate, const ClipMask& matte, const ClipMask& mask,
              int workers);

constexpr double kSeamReach = 6;
constexpr float kSeamRobust = 0.5f;

}  // namespace derrumbe::clip
