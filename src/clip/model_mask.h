#pragma once
#include "support/frames.h"

namespace derrumbe::clip {

/// One frame of the mask that the model sees: 1 at every working pixel that the matte touches at
/// all (above `threshold`), grown by a disc of `grow` working pixels, else 0.
///
/// A working pixel stands for the part of `crop` (plate pixels) that falls on it, so nothing thin
/// is lost where the plate is larger, and a soft edge counts as inside: what the composite will
/// blend with the generated picture, however little, the model must have been free to change.
/// `mask` has its sizes set and `frame` is within it; other frames stay as they are.
void setMaskFrame(ClipMask& mask, int frame, const Matte& matte, const Box& crop, int grow,
                  float threshold = 0);

/// All 0 before frame index `onset` (of the clip, counted from 0): there the model keeps
/// everything.
void clearBefore(ClipMask& mask, int onset);

/// A mask of zeros.
ClipMask emptyMask(int frames, int height, int width);

/// Grows what is above 0.5 by a disc of `radius` pixels: the result is 0 or 1. `radius` 0 only
/// makes it binary.
void growPlane(float* plane, int height, int width, int radius);

}  // namespace derrumbe::clip
