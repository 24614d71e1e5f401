#pragma once
#include <algorithm>
#include <vector>

#include "support/frames.h"

namespace derrumbe::clip {

/// What is done to planes `[height][width]` and of masks over time; the border goes on.

/// `passes` of the binomial (1 4 6 4 1) / 16 in both directions: a standard deviation of
/// sqrt(passes) pixels. `line` is scratch.
void smoothPlane(float* values, int height, int width, int passes, std::vector<float>& line);

/// The same along the frames of a mask.
void smoothTime(ClipMask& mask, int passes = 1);

/// A channel of a frame, a sample that is no number as 0: a low-pass would spread it.
std::vector<float> finitePlane(const Clip& clip, int channel, int frame);

/// 0 up to `from`, 1 from `to` on, between them 3 t^2 - 2 t^3.
inline float smoothStep(float value, float from, float to) {
    const float part = std::clamp((value - from) / (to - from), 0.f, 1.f);
    return part * part * (3 - 2 * part);
}

/// A Gaussian of `sigma` pixels, cut off at three of them.
std::vector<float> gaussian(const float* values, int height, int width, double sigma);

/// Whether a place lies inside a picture, the middle of whose first pixel is 0, 0.
inline bool holds(int height, int width, float x, float y) {
    return x >= -0.5f && y >= -0.5f && x <= static_cast<float>(width) - 0.5f &&
           y <= static_cast<float>(height) - 0.5f;
}

/// Bilinear between the middles of pixels: the middle of the first is 0, 0.
float bilinear(const float* values, int height, int width, float x, float y);

}  // namespace derrumbe::clip
