#include "clip/windows.h"

#include <algorithm>

#include "support/error.h"

namespace derrumbe::clip {

int latentFrames(int frames, int temporalScale) {
    return frames <= 0 ? 0 : (frames - 1 + temporalScale - 1) / temporalScale + 1;
}

int paddedFrames(int frames, int temporalScale) {
    return frames <= 0 ? 0 : (latentFrames(frames, temporalScale) - 1) * temporalScale + 1;
}

int heldFrame(int index, int frames) {
    return std::clamp(index, 0, std::max(0, frames - 1));
}

std::vector<TimeWindow> planWindows(int latentFrames, int length, int overlap) {
    if (length < 1) throw Error(ExitCode::Usage, "windows.length must be at least one frame");
    if (latentFrames <= 0) return {};
    if (latentFrames <= length) return {{0, latentFrames}};
    const int stride = length - std::clamp(overlap, 0, length - 1);
    std::vector<TimeWindow> windows;
    for (int first = 0; first + length < latentFrames; first += stride)
        windows.push_back({first, length});
    windows.push_back({latentFrames - length, length});
    return windows;
}

std::vector<std::vector<float>> blendWeights(const std::vector<TimeWindow>& windows) {
    int last = 0;
    for (const TimeWindow& window : windows) last = std::max(last, window.end());
    std::vector<double> sum(static_cast<size_t>(last), 0);
    std::vector<std::vector<double>> raw;
    for (size_t index = 0; index < windows.size(); ++index) {
        const TimeWindow& window = windows[index];
        const int before = index > 0 ? windows[index - 1].end() - window.first : 0;
        const int after = index + 1 < windows.size() ? window.end() - windows[index + 1].first : 0;
        auto& weights = raw.emplace_back(static_cast<size_t>(window.length));
        for (int frame = 0; frame < window.length; ++frame) {
            double weight = 1;
            if (before > 0) weight = std::min(weight, (frame + 1.0) / (before + 1));
            if (after > 0) weight = std::min(weight, (window.length - frame) / (after + 1.0));
            weights[frame] = weight;
            sum[window.first + frame] += weight;
        }
    }
    std::vector<std::vector<float>> result;
    for (size_t index = 0; index < windows.size(); ++index) {
        auto& weights = result.emplace_back(raw[index].size());
        for (size_t frame = 0; frame < weights.size(); ++frame)
            weights[frame] =
                static_cast<float>(raw[index][frame] / sum[windows[index].first + frame]);
    }
    return result;
}

}  // namespace derrumbe::clip
