#include "clip/anchor.h"

#include <algorithm>
#include <cmath>

#include "clip/model_mask.h"
#include "support/error.h"

namespace derrumbe::clip {
namespace {

/// Weighted sums of a straight-line fit y = gain x + offset.
struct Sums {
    double n = 0, x = 0, y = 0, xx = 0, xy = 0;

    void add(double weight, double valueX, double valueY) {
        n += weight;
        x += weight * valueX;
        y += weight * valueY;
        xx += weight * valueX * valueX;
        xy += weight * valueX * valueY;
    }
    void add(double weight, const Sums& other) {
        n += weight * other.n;
        x += weight * other.x;
        y += weight * other.y;
        xx += weight * other.xx;
        xy += weight * other.xy;
    }
};

struct Line {
    double gain = 1, offset = 0;
};

// The pull to the identity, as if so many pixels said so: of contrast 0.1 for the gain.
constexpr double kPriorPixels = 16, kPriorVariance = 0.01;

/// Minimises the sum of w (y - gain x - offset)^2 + P (offset + (gain - 1) mean)^2 + P V (gain -
/// 1)^2, the pull being written around the mean so that gain and offset do not work against each
/// other.
Line solve(const Sums& sums) {
    if (sums.n <= 0) return {};
    const double meanX = sums.x / sums.n, meanY = sums.y / sums.n;
    const double variance = sums.xx - sums.n * meanX * meanX,
                 covariance = sums.xy - sums.n * meanX * meanY;
    const double pull = kPriorPixels * kPriorVariance;
    const double gain = (covariance + pull) / (std::max(variance, 0.0) + pull);
    const double shift = (meanY - meanX) * sums.n / (sums.n + kPriorPixels);
    return {gain, meanX + shift - gain * meanX};
}

double median(std::vector<float> values) {
    if (values.empty()) return 0;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

/// The sums of one frame and channel after the outliers have lost their weight.
Sums robustSums(const std::vector<float>& x, const std::vector<float>& y) {
    std::vector<float> residual(x.size());
    for (size_t index = 0; index < x.size(); ++index) residual[index] = y[index] - x[index];
    Line line{1, median(residual)};
    Sums sums;
    for (int round = 0; round < 5; ++round) {
        for (size_t index = 0; index < x.size(); ++index)
            residual[index] =
                static_cast<float>(std::abs(y[index] - line.gain * x[index] - line.offset));
        // 1.4826 median = one standard deviation for normal noise; half an 8-bit step at least.
        const double scale = std::max(1.4826 * median(residual), 1.0 / 255);
        const double reach = 4.685 * scale;
        sums = {};
        for (size_t index = 0; index < x.size(); ++index) {
            const double part = residual[index] / reach;
            if (part < 1) sums.add((1 - part * part) * (1 - part * part), x[index], y[index]);
        }
        line = solve(sums);
    }
    return sums;
}

/// Where to compare: within `ring` of what any frame masks.
std::vector<float> neighbourhood(const ClipMask& mask, int ring) {
    const size_t plane = static_cast<size_t>(mask.height) * mask.width;
    std::vector<float> near(plane, 0.f);
    for (int frame = 0; frame < mask.frames; ++frame)
        for (size_t index = 0; index < plane; ++index)
            near[index] = std::max(near[index], mask.plane(frame)[index]);
    growPlane(near.data(), mask.height, mask.width, ring);
    return near;
}

}  // namespace

Anchor Anchor::identity(int frames) {
    Anchor anchor;
    anchor.frames = frames;
    for (int channel = 0; channel < 3; ++channel) {
        anchor.gain[channel].assign(static_cast<size_t>(frames), 1.f);
        anchor.offset[channel].assign(static_cast<size_t>(frames), 0.f);
    }
    return anchor;
}

Anchor fitAnchor(const Clip& generated, const Clip& plate, const ClipMask& mask,
                 const AnchorOptions& options) {
    if (generated.frames != plate.frames || generated.height != plate.height ||
        generated.width != plate.width || mask.frames != plate.frames ||
        mask.height != plate.height || mask.width != plate.width)
        throw Error(ExitCode::Internal, "fitAnchor: the clips and the mask differ in size");
    const std::vector<float> near = neighbourhood(mask, options.ring);
    Anchor anchor = Anchor::identity(plate.frames);
    std::vector<float> x, y;
    for (int channel = 0; channel < 3; ++channel) {
        std::vector<Sums> sums(static_cast<size_t>(plate.frames));
        for (int frame = 0; frame < plate.frames; ++frame) {
            const float *made = generated.plane(channel, frame),
                        *truth = plate.plane(channel, frame), *masked = mask.plane(frame);
            x.clear(), y.clear();
            for (size_t index = 0; index < near.size(); ++index) {
                if (near[index] < 0.5f || masked[index] > 0.5f) continue;
                if (!std::isfinite(made[index]) || !std::isfinite(truth[index])) continue;
                x.push_back(made[index]);
                y.push_back(truth[index]);
            }
            if (!x.empty()) sums[frame] = robustSums(x, y);
        }
        for (int frame = 0; frame < plate.frames; ++frame) {
            Sums smooth;
            for (int other = 0; other < plate.frames; ++other) {
                const double away = (other - frame) / std::max(options.smoothing, 1e-3);
                if (std::abs(away) <= 4) smooth.add(std::exp(-0.5 * away * away), sums[other]);
            }
            const Line line = solve(smooth);
            anchor.gain[channel][frame] = static_cast<float>(
                std::clamp(line.gain, 1 / options.largestGain, options.largestGain));
            anchor.offset[channel][frame] = static_cast<float>(
                std::clamp(line.offset, -options.largestOffset, options.largestOffset));
        }
    }
    return anchor;
}

void applyAnchor(Clip& clip, const Anchor& anchor) {
    for (int channel = 0; channel < 3; ++channel)
        for (int frame = 0; frame < std::min(clip.frames, anchor.frames); ++frame) {
            float* plane = clip.plane(channel, frame);
            const float gain = anchor.gain[channel][frame], offset = anchor.offset[channel][frame];
            // NaN compares false in both directions, so clamp hands it through.
            for (size_t index = 0; index < clip.planeSize(); ++index)
                plane[index] = std::clamp(plane[index] * gain + offset, -1.f, 1.f);
        }
}

}  // namespace derrumbe::clip
