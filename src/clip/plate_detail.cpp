#include "clip/plate_detail.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "support/error.h"

namespace derrumbe::clip {
namespace {

/// Working pixels around a change in which detail goes, too.
constexpr int kReach = 3;

/// One pass of the binomial (1 4 6 4 1) / 16, standard deviation 1, along `count` values that lie
/// `step` apart; the ends go on.
void smoothLine(float* values, int count, std::ptrdiff_t step, std::vector<float>& line) {
    constexpr float taps[] = {0.0625f, 0.25f, 0.375f, 0.25f, 0.0625f};
    line.resize(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) line[i] = values[i * step];
    for (int i = 0; i < count; ++i) {
        float sum = 0;
        for (int k = -2; k <= 2; ++k) sum += taps[k + 2] * line[std::clamp(i + k, 0, count - 1)];
        values[i * step] = sum;
    }
}

/// `passes` times in every frame (standard deviation 1 each).
void smoothFrames(ClipMask& mask, int passes) {
    const std::ptrdiff_t row = mask.width;
    std::vector<float> line;
    for (int frame = 0; frame < mask.frames; ++frame)
        for (int pass = 0; pass < passes; ++pass) {
            float* values = mask.plane(frame);
            for (int y = 0; y < mask.height; ++y) smoothLine(values + y * row, mask.width, 1, line);
            for (int x = 0; x < mask.width; ++x) smoothLine(values + x, mask.height, row, line);
        }
}

void smoothTime(ClipMask& mask) {
    const std::ptrdiff_t plane = static_cast<std::ptrdiff_t>(mask.width) * mask.height;
    std::vector<float> line;
    for (std::ptrdiff_t i = 0; i < plane; ++i)
        smoothLine(mask.values.data() + i, mask.frames, plane, line);
}

/// The least of what lies within `reach` of each of `count` values that lie `step` apart.
void erodeLine(float* values, int count, std::ptrdiff_t step, int reach, std::vector<float>& line) {
    line.resize(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) line[i] = values[i * step];
    for (int i = 0; i < count; ++i) {
        const auto first = line.begin() + std::max(0, i - reach);
        values[i * step] = *std::min_element(first, line.begin() + std::min(count, i + reach + 1));
    }
}

/// The least within a square of 2 `reach` + 1 pixels of every frame.
void erode(ClipMask& mask, int reach) {
    const std::ptrdiff_t row = mask.width;
    std::vector<float> line;
    for (int frame = 0; frame < mask.frames; ++frame) {
        float* values = mask.plane(frame);
        for (int y = 0; y < mask.height; ++y)
            erodeLine(values + y * row, mask.width, 1, reach, line);
        for (int x = 0; x < mask.width; ++x) erodeLine(values + x, mask.height, row, reach, line);
    }
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
    smoothFrames(result, 2);
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

ClipMask detailWeights(const ClipMask& departure, const DetailThresholds& thresholds) {
    ClipMask weights = departure;
    const float span = std::max(thresholds.changed - thresholds.unchanged, 1e-6f);
    for (float& value : weights.values) {
        const float part = std::clamp((value - thresholds.unchanged) / span, 0.f, 1.f);
        value = 1 - part * part * (3 - 2 * part);
    }
    erode(weights, kReach);
    smoothFrames(weights, 1);
    return weights;
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
