#include "clip/seam.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "clip/smooth.h"
#include "support/error.h"
#include "support/in_parallel.h"

namespace derrumbe::clip {
namespace {

/// What a place has to be known by, that the correction be half of it: see the header's shares.
constexpr float kDecay = 0.01f;

void healFrame(Clip& generated, const Clip& plate, const ClipMask& matte, int frame) {
    const int height = generated.height, width = generated.width;
    const float* drawn = matte.plane(frame);
    const std::vector<float> near = gaussian(drawn, height, width, 1.5);
    std::array<std::vector<float>, 3> away;
    std::vector<float> known(generated.planeSize());
    for (std::vector<float>& plane : away) plane.resize(generated.planeSize());
    for (size_t i = 0; i < known.size(); ++i) {
        if (!(drawn[i] < 0.5f) || near[i] < 0.05f) continue;
        std::array<float, 3> apart{};
        float square = 0;
        for (int c = 0; c < 3; ++c) {
            apart[c] = plate.plane(c, frame)[i] - generated.plane(c, frame)[i];
            square += apart[c] * apart[c] / 3;
        }
        if (!std::isfinite(square)) continue;
        // More where more of it is composited; beside a hard matte none is.
        known[i] = (0.1f + drawn[i]) * std::exp(-square / (2 * kSeamRobust * kSeamRobust));
        for (int c = 0; c < 3; ++c) away[c][i] = known[i] * apart[c];
    }
    const std::vector<float> weight = gaussian(known.data(), height, width, kSeamReach);
    for (int c = 0; c < 3; ++c) {
        const std::vector<float> sum = gaussian(away[c].data(), height, width, kSeamReach);
        float* out = generated.plane(c, frame);
        // Beyond the matte nothing is composited, and the model keeps the plate.
        for (size_t i = 0; i < sum.size(); ++i)
            out[i] += std::min(1.f, 4 * drawn[i]) * sum[i] / (weight[i] + kDecay);
    }
}

}  // namespace

void healSeam(Clip& generated, const Clip& plate, const ClipMask& matte, const ClipMask& mask,
              int workers) {
    const auto fits = [&](const auto& other) {
        return other.frames == generated.frames && other.height == generated.height &&
               other.width == generated.width;
    };
    if (!fits(plate) || !fits(matte) || !fits(mask))
        throw Error(ExitCode::Internal, "healSeam: the clips differ in size");
    inParallel(generated.frames, workers, [&](int frame) {
        const float* free = mask.plane(frame);
        if (std::any_of(free, free + generated.planeSize(), [](float m) { return m > 0.5f; }))
            healFrame(generated, plate, matte, frame);
    });
}

}  // namespace derrumbe::clip
