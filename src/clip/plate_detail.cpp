#include "clip/plate_detail.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "clip/smooth.h"
#include "support/error.h"

namespace derrumbe::clip {
namespace {

/// Passes of the low-pass within which contrast is measured: a standard deviation of 2.4 pixels,
/// little more than the smallest structure that a VAE at an eighth of the size brings back.
constexpr int kContrastPasses = 6;

/// Variance, of the [-1, 1] range and summed over R, G, B, below which a surface counts as flat:
/// there is no contrast in it that could be compared. 0.05 is 6 steps of 8 bits.
constexpr float kFlat = 3 * 0.05f * 0.05f;

/// Covariance and variances around every pixel of one frame, as sums over R, G, B.
struct Variation {
    std::vector<float> together, generated, reconstruction;
};

/// A sample that is no number counts as 0: it would be spread by the low-pass.
Variation variation(const Clip& generated, const Clip& reconstruction, int frame) {
    const size_t size = generated.planeSize();
    std::vector<float> line;
    const auto smooth = [&](std::vector<float>& plane) {
        smoothPlane(plane.data(), generated.height, generated.width, kContrastPasses, line);
    };
    const std::vector<float> zeros(size);
    Variation sums{zeros, zeros, zeros}, means = sums;
    const auto add = [&](Variation& to, const std::vector<float>& made,
                         const std::vector<float>& known) {
        for (size_t i = 0; i < size; ++i) {
            to.together[i] += made[i] * known[i];
            to.generated[i] += made[i] * made[i];
            to.reconstruction[i] += known[i] * known[i];
        }
    };
    for (int c = 0; c < 3; ++c) {
        std::vector<float> made = finitePlane(generated, c, frame),
                           known = finitePlane(reconstruction, c, frame);
        add(sums, made, known);
        smooth(made);
        smooth(known);
        add(means, made, known);
    }
    const auto finish = [&](std::vector<float>& sum, const std::vector<float>& mean) {
        smooth(sum);
        for (size_t i = 0; i < size; ++i) sum[i] -= mean[i];
    };
    finish(sums.together, means.together);
    finish(sums.generated, means.generated);
    finish(sums.reconstruction, means.reconstruction);
    return sums;
}

void check(bool holds, const char* what) {
    if (!holds) throw Error(ExitCode::Internal, what);
}

}  // namespace

ClipMask departure(const Clip& generated, const Clip& reconstruction) {
    check(generated.frames == reconstruction.frames && generated.height == reconstruction.height &&
              generated.width == reconstruction.width,
          "departure: the clips differ in size");
    ClipMask result{generated.frames, generated.height, generated.width, {}};
    result.values.resize(generated.planeSize() * generated.frames);
    for (int frame = 0; frame < generated.frames; ++frame) {
        float* out = result.plane(frame);
        for (size_t i = 0; i < generated.planeSize(); ++i) {
            float sum = 0;
            for (int c = 0; c < 3; ++c)
                sum += std::abs(generated.plane(c, frame)[i] - reconstruction.plane(c, frame)[i]);
            // The first comparison is false for NaN.
            out[i] = sum < 6 ? sum / 3 : 2;
        }
    }
    std::vector<float> line;
    for (int frame = 0; frame < result.frames; ++frame)
        smoothPlane(result.plane(frame), result.height, result.width, 2, line);
    smoothTime(result);
    return result;
}

DetailThresholds fitThresholds(const ClipMask& departure, const ClipMask& mask,
                               const DetailThresholds& least) {
    check(departure.values.size() == mask.values.size(), "fitThresholds: the sizes differ");
    constexpr float most = 0.2f;
    std::vector<float> kept;
    for (size_t i = 0; i < mask.values.size(); ++i)
        if (mask.values[i] <= 0.5f) kept.push_back(departure.values[i]);
    if (kept.empty()) return least;
    const auto middle = kept.begin() + static_cast<std::ptrdiff_t>(kept.size() / 2);
    std::nth_element(kept.begin(), middle, kept.end());
    const float unchanged = std::clamp(2 * *middle, least.unchanged, most);
    return {unchanged, unchanged + least.changed - least.unchanged};
}

ClipMask unchanged(const ClipMask& departure, const DetailThresholds& thresholds) {
    ClipMask weights = departure;
    const float changed = std::max(thresholds.changed, thresholds.unchanged + 1e-6f);
    for (float& value : weights.values)
        value = 1 - smoothStep(value, thresholds.unchanged, changed);
    return weights;
}

ClipMask detailWeights(const Clip& generated, const Clip& reconstruction, const ClipMask& mask) {
    const ClipMask away = departure(generated, reconstruction);
    ClipMask together = unchanged(away, fitThresholds(away, mask));
    ClipMask own = together, known = together;
    for (int frame = 0; frame < together.frames; ++frame) {
        const Variation sums = variation(generated, reconstruction, frame);
        for (size_t i = 0; i < sums.together.size(); ++i) {
            // As if there were a little contrast everywhere, of which `same` is left.
            const float same = together.plane(frame)[i];
            together.plane(frame)[i] = sums.together[i] + kFlat * same;
            own.plane(frame)[i] = std::max(sums.generated[i], 0.f) + kFlat * same * same;
            known.plane(frame)[i] = std::max(sums.reconstruction[i], 0.f) + kFlat;
        }
    }
    for (ClipMask* sums : {&together, &own, &known}) smoothTime(*sums);
    for (size_t i = 0; i < together.values.size(); ++i) {
        const float slope = together.values[i] / known.values[i];
        const float explained = slope * together.values[i] / std::max(own.values[i], 1e-6f);
        together.values[i] = std::clamp(slope * explained, 0.f, 1.f);
    }
    return together;
}

void addPlateDetail(Frame& picture, const Frame& plate, const Frame& reconstruction,
                    const Frame& weight) {
    check(picture.data == plate.data && picture.data == reconstruction.data &&
              picture.data == weight.data && picture.channelCount() == 3 &&
              plate.channelCount() == 3 && reconstruction.channelCount() == 3 &&
              weight.channelCount() == 1,
          "addPlateDetail: the pictures differ in size or channels");
    for (size_t i = 0; i < weight.pixels.size(); ++i) {
        const float w = weight.pixels[i];
        if (!(w > 0)) continue;
        for (size_t sample = i * 3; sample < i * 3 + 3; ++sample) {
            const float sum =
                picture.pixels[sample] + w * (plate.pixels[sample] - reconstruction.pixels[sample]);
            if (std::isfinite(sum)) picture.pixels[sample] = sum;
        }
    }
}

}  // namespace derrumbe::clip
