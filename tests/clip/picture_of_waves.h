#pragma once
#include <algorithm>
#include <cmath>
#include <functional>

#include "clip/model_mask.h"
#include "support/frames.h"

namespace derrumbe::clip {

struct Point {
    float x = 0, y = 0;
};

/// A pattern without end that repeats nowhere nearby, at any place of it; channels differ. -0.8 to
/// 0.8.
inline float waveAt(int channel, float x, float y) {
    const float c = static_cast<float>(channel);
    return 0.25f * (std::sin(0.17f * x + 0.06f * y + c) + std::sin(0.07f * x - 0.19f * y + 2 * c)) +
           0.1f * (std::sin(0.61f * x + 0.13f * y + c) + std::sin(0.27f * x - 0.53f * y + 2 * c) +
                   std::sin(0.37f * x + 0.71f * y));
}

/// A clip whose pixel x, y of a frame shows the pattern at the place that `seen` gives.
inline Clip waves(int frames, int height, int width,
                  const std::function<Point(int, float, float)>& seen) {
    Clip clip = Clip::filled(frames, height, width, 0);
    for (int frame = 0; frame < frames; ++frame)
        for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x) {
                const Point place = seen(frame, static_cast<float>(x), static_cast<float>(y));
                for (int c = 0; c < 3; ++c)
                    clip.plane(c, frame)[y * width + x] = waveAt(c, place.x, place.y);
            }
    return clip;
}

/// The pattern as it lies, in every frame.
inline Clip wavesAtRest(int frames, int height, int width) {
    return waves(frames, height, width, [](int, float x, float y) { return Point{x, y}; });
}

/// A mask of one value.
inline ClipMask filledMask(int frames, int height, int width, float value) {
    ClipMask mask = emptyMask(frames, height, width);
    std::fill(mask.values.begin(), mask.values.end(), value);
    return mask;
}

}  // namespace derrumbe::clip
