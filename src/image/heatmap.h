#pragma once
#include <string>
#include <vector>

#include "image/picture.h"
#include "support/frames.h"

namespace derrumbe::image {

/// Numbers from 0 to 1 as colours: black, violet, red, yellow, white. Values outside are clamped,
/// NaN is black.
Picture heatPicture(const std::vector<float>& values, int width, int height);

/// Where two pictures differ: to the left the difference of samples, white at `maxError`; to the
/// right FLIP, white at 1. Both are labelled.
Picture heatmap(const Frame& difference, double maxError, const std::vector<float>& flip,
                int flipWidth, int flipHeight);

}  // namespace derrumbe::image
