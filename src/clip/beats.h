#pragma once
#include <vector>

namespace derrumbe::clip {

/// Where a prompt takes over from those before it.
struct Beat {
    int start = 0;  ///< frame of the clip, counted from 0
    int blend = 0;  ///< frames that the change takes, its middle at the beginning of `start`
    /// How much of each cell of the picture it takes, 0..1: a plane for each of the clip's first
    /// frames, the last one held. Empty: all of every cell.
    std::vector<std::vector<float>> area = {};
};

/// How far a beat has taken over at a frame of the clip, 0..1: (frame + 1/2 - start) / blend + 1/2,
/// within those; one at frame 0 holds from the start.
double takenOver(const Beat& beat, int frame);

/// How much each of a timeline's prompts holds at each cell of each latent frame: one row for the
/// prompt before the first beat, then one a beat; [beats + 1][latentFrames * cells], each column
/// sums to 1.
///
/// Every beat takes its part, in time and place, from all before it, so that blends may overlap. A
/// latent frame has the mean of the frames that it stands for: the first of one, every other of
/// `temporalScale`. `beats` do not fall in `start`; planes of their areas have `cells` values.
std::vector<std::vector<float>> beatWeights(const std::vector<Beat>& beats, int latentFrames,
                                            int temporalScale, int cells = 1);

}  // namespace derrumbe::clip
