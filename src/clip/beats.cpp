#include "clip/beats.h"

#include <algorithm>

namespace derrumbe::clip {
namespace {

double takenOver(const Beat& beat, int frame) {
    if (beat.start <= 0) return 1;
    if (beat.blend <= 0) return frame >= beat.start ? 1 : 0;
    return std::clamp((frame + 0.5 - beat.start) / beat.blend + 0.5, 0.0, 1.0);
}

}  // namespace

std::vector<std::vector<float>> beatWeights(const std::vector<Beat>& beats, int latentFrames,
                                            int temporalScale) {
    std::vector<std::vector<float>> rows(beats.size() + 1,
                                         std::vector<float>(static_cast<size_t>(latentFrames)));
    for (int latent = 0; latent < latentFrames; ++latent) {
        const int first = latent == 0 ? 0 : (latent - 1) * temporalScale + 1;
        const int frames = latent == 0 ? 1 : temporalScale;
        std::vector<double> sums(rows.size(), 0);
        for (int frame = first; frame < first + frames; ++frame) {
            double left = 1;  // what the beats after this one have not taken
            for (size_t i = beats.size(); i > 0; --i) {
                const double part = takenOver(beats[i - 1], frame);
                sums[i] += left * part;
                left *= 1 - part;
            }
            sums[0] += left;
        }
        for (size_t i = 0; i < rows.size(); ++i)
            rows[i][latent] = static_cast<float>(sums[i] / frames);
    }
    return rows;
}

}  // namespace derrumbe::clip
