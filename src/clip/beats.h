#pragma once
#include <vector>

namespace derrumbe::clip {

/// Where a prompt takes over from those before it.
struct Beat {
    int start = 0;  ///< frame of the clip, counted from 0
    int blend = 0;  ///< frames that the change takes, its middle at the beginning of `start`
};

/// How much each of a timeline's prompts holds at each latent frame: one row for the prompt before
/// the first beat, then one a beat; [beats + 1][latentFrames], each column sums to 1.
///
/// At a frame of the clip a beat has taken over by r = (frame + 1/2 - start) / blend + 1/2, within
/// [0, 1]; a beat at frame 0 holds from the start. Every beat takes its part from all before it, so
/// that blends may overlap. A latent frame has the mean of the frames that it stands for: the first
/// of one, every other of `temporalScale`. `beats` rise in `start`.
std::vector<std::vector<float>> beatWeights(const std::vector<Beat>& beats, int latentFrames,
                                            int temporalScale);

}  // namespace derrumbe::clip
