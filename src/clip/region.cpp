#include "clip/region.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "clip/smooth_path.h"
#include "support/error.h"
#include "support/strings.h"

namespace derrumbe::clip {
namespace {

constexpr double kDistortion = 0.02;  // what a resampled picture bears without looking stretched

struct Size {
    int width = 0, height = 0;
    double area() const { return static_cast<double>(width) * height; }
    double aspect() const { return static_cast<double>(width) / height; }
};

/// A matte along one coordinate; of no length where there is none.
struct PathFrame {
    double first = 0, length = 0;
};

/// How far two aspects are from each other, 0 when equal: 0.02 = 2 percent.
double distance(double a, double b) {
    return std::max(a, b) / std::min(a, b) - 1;
}

/// Every working size whose area is within [low, high] times the model's.
std::vector<Size> sizes(const RegionInput& input, double low, double high) {
    const double area = static_cast<double>(input.workingWidth) * input.workingHeight;
    const int step = input.sizeMultiple;
    std::vector<Size> found;
    for (int width = step; width * static_cast<double>(step) <= high * area; width += step)
        for (int height = step; static_cast<double>(width) * height <= high * area; height += step)
            if (static_cast<double>(width) * height >= low * area) found.push_back({width, height});
    return found;
}

double shownAspect(const Window& window, float pixelAspect) {
    return static_cast<double>(window.width) * pixelAspect / window.height;
}

/// The working size for a crop that is given: the nearest area among those that distort little,
/// looking further and further from the model's own area; else the least distortion.
Size sizeFor(const RegionInput& input, const Window& crop) {
    const double wanted = shownAspect(crop, input.pixelAspect);
    const double area = static_cast<double>(input.workingWidth) * input.workingHeight;
    Size least;
    for (const double reach : {1.1, 1.25, 1.5, 2.0}) {
        Size best;
        for (const Size& size : sizes(input, 1 / reach, reach)) {
            const double bend = distance(size.aspect(), wanted);
            if (least.width == 0 || bend < distance(least.aspect(), wanted)) least = size;
            if (bend <= kDistortion &&
                (best.width == 0 || distance(size.area(), area) < distance(best.area(), area)))
                best = size;
        }
        if (best.width > 0) return best;
    }
    return least.width > 0 ? least : Size{input.sizeMultiple, input.sizeMultiple};
}

/// Slides [first, first + length) into [low, high), which is at least as long.
int slide(int first, int length, int low, int high) {
    return std::clamp(first, low, high - length);
}

/// The smallest window of `size`'s shape around `target`, at least `leastHeight` high; inside
/// `data`, or empty where it does not fit.
Window windowOfShape(const RegionInput& input, const Window& target, const Size& size,
                     double leastHeight) {
    const double aspect = size.aspect() / input.pixelAspect;  // in plate pixels
    const double height = std::max({target.height * 1.0, target.width / aspect, leastHeight});
    const int cropHeight = static_cast<int>(std::ceil(height - 1e-6));
    const int cropWidth =
        std::max(target.width, static_cast<int>(std::lround(cropHeight * aspect)));
    if (cropWidth > input.data.width || cropHeight > input.data.height) return {};
    const int x = target.x - (cropWidth - target.width) / 2,
              y = target.y - (cropHeight - target.height) / 2;
    return {slide(x, cropWidth, input.data.x, input.data.right()),
            slide(y, cropHeight, input.data.y, input.data.bottom()), cropWidth, cropHeight};
}

CropPlan planOf(const RegionInput& input, const Window& crop, const Size& size) {
    const Window matte = intersect(input.matte, input.data);
    return {crop, size.width, size.height,
            distance(size.aspect(), shownAspect(crop, input.pixelAspect)),
            matte.empty() || intersect(matte, crop) == matte};
}

CropPlan planAuto(const RegionInput& input) {
    const Window matte = intersect(input.matte, input.data);
    if (matte.empty()) return {};
    const double longer =
        std::max(matte.width * static_cast<double>(input.pixelAspect), matte.height * 1.0);
    const int aside = static_cast<int>(std::lround(input.margin * longer / input.pixelAspect)),
              above = static_cast<int>(std::lround(input.margin * longer));
    const Window target = intersect(
        {matte.x - aside, matte.y - above, matte.width + 2 * aside, matte.height + 2 * above},
        input.data);
    // Least pixels of the plate a crop may take, then the area nearest to the model's.
    const double area = static_cast<double>(input.workingWidth) * input.workingHeight;
    const bool small =
        static_cast<double>(input.data.width) * input.data.height * input.pixelAspect <= area;
    // First without enlarging the plate's pixels, then, in a plate too narrow for that, with it.
    for (const bool enlarge : {false, true}) {
        if (small) break;
        CropPlan best;
        double bestCost = 0;
        for (const Size& size : sizes(input, 0.85, 1.15)) {
            if (size.aspect() > 3 || size.aspect() < 1.0 / 3) continue;
            const Window crop = windowOfShape(input, target, size, enlarge ? 0 : size.height);
            if (crop.empty()) continue;
            const CropPlan plan = planOf(input, crop, size);
            if (plan.distortion > kDistortion) continue;
            const double cropArea = static_cast<double>(crop.width) * crop.height;
            const double cost = cropArea * input.pixelAspect / size.area() +
                                0.5 * distance(size.area(), area) + 4 * plan.distortion;
            if (best.width == 0 || cost < bestCost) best = plan, bestCost = cost;
        }
        if (best.width > 0) return best;
    }
    // No shape fits around the target: the plate is small, or the target spans nearly all of it.
    const Window crop = small ? input.data : target;
    const CropPlan plan = planOf(input, crop, sizeFor(input, crop));
    if (plan.distortion <= kDistortion) return plan;
    return planOf(input, input.data, sizeFor(input, input.data));
}

/// One coordinate of a box that is to hold the mattes: from `low` to `high` there are pixels.
std::vector<double> pathAlong(const std::vector<PathFrame>& mattes, double size, double margin,
                              double low, double high) {
    std::vector<PathStep> steps;
    for (const PathFrame& matte : mattes) {
        PathStep step;
        step.least = low, step.most = high - size;
        if (matte.length > 0) {
            const double room = size - matte.length;
            // Half of the margin stays where there is room for it; the path wants all of it.
            const double kept = std::floor(std::min(margin, room) / 2);
            step.known = true;
            step.least = std::clamp(matte.first + matte.length + kept - size, low, high - size);
            step.most = std::clamp(matte.first - kept, low, high - size);
            step.wanted = std::clamp(matte.first - room / 2, step.least, step.most);
        }
        steps.push_back(step);
    }
    return smoothPath(steps);
}

CropPlan planFollow(const RegionInput& input) {
    const CropPlan still = planAuto(input);
    if (still.crop.empty()) return still;
    std::vector<PathFrame> across, down;
    int width = 0, height = 0;
    for (const Window& frame : input.mattes) {
        const Window matte = intersect(frame, input.data);
        across.push_back({matte.x * 1.0, matte.empty() ? 0.0 : matte.width});
        down.push_back({matte.y * 1.0, matte.empty() ? 0.0 : matte.height});
        if (matte.empty()) continue;
        width = std::max(width, matte.width), height = std::max(height, matte.height);
    }
    // The size is that of a crop around such a matte in the middle, where nothing cuts its margin.
    RegionInput one = input;
    one.matte = {input.data.x + (input.data.width - width) / 2,
                 input.data.y + (input.data.height - height) / 2, width, height};
    CropPlan plan = planAuto(one);
    const double margin =
        input.margin * std::max(width * static_cast<double>(input.pixelAspect), height * 1.0);
    const std::vector<double> x = pathAlong(across, plan.crop.width, margin / input.pixelAspect,
                                            input.data.x, input.data.right()),
                              y = pathAlong(down, plan.crop.height, margin, input.data.y,
                                            input.data.bottom());
    for (size_t i = 0; i < x.size(); ++i)
        plan.path.emplace_back(x[i], y[i], plan.crop.width, plan.crop.height);
    const bool moves = std::any_of(plan.path.begin(), plan.path.end(),
                                   [&](const Box& box) { return box != plan.path.front(); });
    if (!moves) return still;
    plan.crop = plan.path.front().pixels();
    return plan;
}

}  // namespace

CropPlan planRegion(const RegionInput& input) {
    if (input.data.empty()) throw Error(ExitCode::Input, "the plate's data window is empty");
    switch (input.request.kind) {
        case RegionRequest::Kind::Auto:
            return planAuto(input);
        case RegionRequest::Kind::Follow:
            return planFollow(input);
        case RegionRequest::Kind::Full:
            return planOf(input, input.data, sizeFor(input, input.data));
        case RegionRequest::Kind::Explicit:
            break;
    }
    const Window asked = input.request.window, crop = intersect(asked, input.data);
    if (crop.empty())
        throw Error(ExitCode::Usage,
                    cat("region [", asked.x, ", ", asked.y, ", ", asked.width, ", ", asked.height,
                        "] lies outside the plate's data window [", input.data.x, ", ",
                        input.data.y, ", ", input.data.width, ", ", input.data.height, "]"));
    return planOf(input, crop, sizeFor(input, crop));
}

}  // namespace derrumbe::clip
