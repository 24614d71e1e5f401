#include "clip/beats.h"

#include <algorithm>

namespace derrumbe::clip {

double takenOver(const Beat& beat, int frame) {
    if (beat.start <= 0) return 1;
    if (beat.blend <= 0) return frame >= beat.start ? 1 : 0;
    return std::clamp((frame + 0.5 - beat.start) / beat.blend + 0.5, 0.0, 1.0);
}

namespace {

/// What a beat takes of one cell at a frame from those before it.
double taken(const Beat& beat, double inTime, int frame, size_t cell) {
    if (beat.area.empty()) return inTime;
    return inTime * beat.area[std::min(static_cast<size_t>(frame), beat.area.size() - 1)][cell];
}

}  // namespace

std::vector<std::vector<float>> beatWeights(const std::vector<Beat>& beats, int latentFrames,
                                            int temporalScale, int cells) {
    const auto plane = static_cast<size_t>(cells);
    std::vector<std::vector<float>> rows(
        beats.size() + 1, std::vector<float>(static_cast<size_t>(latentFrames) * plane));
    for (int latent = 0; latent < latentFrames; ++latent) {
        const int first = latent == 0 ? 0 : (latent - 1) * temporalScale + 1;
        const int frames = latent == 0 ? 1 : temporalScale;
        std::vector<double> sums(rows.size() * plane, 0);
        std::vector<double> left(plane);
        for (int frame = first; frame < first + frames; ++frame) {
            std::fill(left.begin(), left.end(), 1.0);  // what the beats after have not taken
            for (size_t i = beats.size(); i > 0; --i) {
                const double inTime = takenOver(beats[i - 1], frame);
                for (size_t cell = 0; cell < plane; ++cell) {
                    const double part = taken(beats[i - 1], inTime, frame, cell);
                    sums[i * plane + cell] += left[cell] * part;
                    left[cell] *= 1 - part;
                }
            }
            for (size_t cell = 0; cell < plane; ++cell) sums[cell] += left[cell];
        }
        for (size_t i = 0; i < rows.size(); ++i)
            for (size_t cell = 0; cell < plane; ++cell)
                rows[i][latent * plane + cell] =
                    static_cast<float>(sums[i * plane + cell] / frames);
    }
    return rows;
}

}  // namespace derrumbe::clip
