#pragma once
#include <vector>

namespace derrumbe::clip {

/// Latent frames of a clip of `frames` pictures: the first has one of its own, each further one
/// holds `temporalScale` pictures. 0 for 0.
int latentFrames(int frames, int temporalScale = 4);

/// The nearest count at or above `frames` that a causal video VAE takes without dropping any:
/// temporalScale k + 1.
int paddedFrames(int frames, int temporalScale = 4);

/// Which picture stands at `index` of the padded clip: the last one is held.
int heldFrame(int index, int frames);

/// A window over latent frames: [first, first + length).
struct TimeWindow {
    int first = 0, length = 0;

    int end() const { return first + length; }
    bool operator==(const TimeWindow&) const = default;
};

/// Overlapping windows that cover [0, latentFrames), every `length - overlap` frames, all of the
/// same length: the last is slid back to end with the clip ("static" windows). One window where the
/// clip is not longer than `length`. overlap is taken into [0, length - 1]. Throws Error(Usage) for
/// length < 1.
std::vector<TimeWindow> planWindows(int latentFrames, int length, int overlap);

/// How much each window counts at each of its frames: [window][frame of the window], rising
/// linearly over the overlap with the window before and falling over the overlap with the next,
/// flat at the clip's own ends. Normalised: at every frame of the clip the windows' weights add up
/// to 1.
std::vector<std::vector<float>> blendWeights(const std::vector<TimeWindow>& windows);

}  // namespace derrumbe::clip
