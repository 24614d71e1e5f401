#include "image/matte_shape.h"

#include <algorithm>
#include <cmath>

namespace derrumbe::image {

namespace {

/// A window of a plane that is worked on: everything else is known to stay 0.
struct Plane {
    Window window;
    std::vector<float> values;
    float* row(int y) { return values.data() + static_cast<size_t>(y) * window.width; }
    const float* row(int y) const { return values.data() + static_cast<size_t>(y) * window.width; }
};

/// The matte around what is not 0, with `margin` pixels, within its window.
Plane activePart(const Matte& matte, int margin) {
    Plane plane;
    Window bounds = matte.bounds();
    if (bounds.empty()) return plane;
    bounds = {bounds.x - margin, bounds.y - margin, bounds.width + 2 * margin,
              bounds.height + 2 * margin};
    plane.window = intersect(bounds, matte.window);
    plane.values.resize(static_cast<size_t>(plane.window.width) * plane.window.height);
    for (int y = 0; y < plane.window.height; ++y)
        for (int x = 0; x < plane.window.width; ++x)
            plane.row(y)[x] = matte.at(plane.window.x + x, plane.window.y + y);
    return plane;
}

void putBack(const Plane& plane, Matte& matte) {
    for (int y = 0; y < plane.window.height; ++y)
        std::copy_n(plane.row(y), plane.window.width,
                    matte.values.begin() +
                        static_cast<std::ptrdiff_t>(plane.window.y - matte.window.y + y) *
                            matte.window.width +
                        (plane.window.x - matte.window.x));
}

/// Maximum over a disc. A disc is a stack of chords: the maximum of a row over a chord of
/// half-width w + 1 is that over w, shifted by one to both sides, so that every chord of a row
/// costs two comparisons a pixel, and goes to the rows above and below that have that chord.
Plane dilated(const Plane& source, int radius) {
    Plane result = source;
    const int width = source.window.width, height = source.window.height;
    std::vector<int> chord(static_cast<size_t>(radius) + 1);  // half-width at a row distance
    for (int dy = 0; dy <= radius; ++dy)
        chord[dy] = static_cast<int>(std::sqrt(double(radius) * radius - double(dy) * dy));
    std::vector<float> line(width), next(width);
    for (int y = 0; y < height; ++y) {
        const float* row = source.row(y);
        if (std::none_of(row, row + width, [](float v) { return v > 0; })) continue;
        std::copy_n(row, width, line.begin());
        for (int half = 0, dy = radius; dy >= 0; --dy) {
            for (; half < chord[dy]; ++half) {
                for (int x = 0; x < width; ++x) {
                    const float left = line[std::max(0, x - 1)];
                    const float right = line[std::min(width - 1, x + 1)];
                    next[x] = std::max(std::max(left, right), line[x]);
                }
                line.swap(next);
            }
            for (int to : {y - dy, y + dy}) {
                if (to < 0 || to >= height) continue;
                float* out = result.row(to);
                for (int x = 0; x < width; ++x) out[x] = std::max(out[x], line[x]);
            }
        }
    }
    return result;
}

void dilate(Matte& matte, double pixels) {
    const int lower = static_cast<int>(std::floor(pixels));
    const auto part = static_cast<float>(pixels - lower);
    const Plane source = activePart(matte, lower + 1);
    if (source.values.empty()) return;
    Plane result = dilated(source, lower);
    if (part > 0) {
        const Plane upper = dilated(source, lower + 1);
        for (size_t i = 0; i < result.values.size(); ++i)
            result.values[i] += part * (upper.values[i] - result.values[i]);
    }
    putBack(result, matte);
}

void complement(Matte& matte) {
    for (float& value : matte.values) value = 1 - value;
}

/// The quadratic B-spline of support [-1.5, 1.5].
double spline(double x) {
    x = std::abs(x);
    if (x >= 1.5) return 0;
    return x < 0.5 ? 0.75 - x * x : 0.5 * (1.5 - x) * (1.5 - x);
}

/// Weights at -r..r, summing to 1, of a spline that is `pixels` wide.
std::vector<double> splineTaps(double pixels) {
    const int radius = std::max(0, static_cast<int>(std::ceil(pixels / 2)) - 1);
    std::vector<double> taps(static_cast<size_t>(2 * radius) + 1);
    double sum = 0;
    for (int i = -radius; i <= radius; ++i) sum += taps[i + radius] = spline(i * 3 / pixels);
    for (double& tap : taps) tap /= sum;
    return taps;
}

/// One line, clamped at its ends.
void filterLine(std::vector<double>& line, const std::vector<double>& taps,
                std::vector<double>& scratch) {
    const int radius = static_cast<int>(taps.size() / 2), length = static_cast<int>(line.size());
    scratch.assign(line.begin(), line.end());
    for (int x = 0; x < length; ++x) {
        double sum = 0;
        for (int i = -radius; i <= radius; ++i)
            sum += taps[i + radius] * scratch[std::clamp(x + i, 0, length - 1)];
        line[x] = sum;
    }
}

/// The same for wide edges as three running means (their convolution is that spline): the cost
/// does not grow with the width.
void filterLineWide(std::vector<double>& line, int box, std::vector<double>& sums) {
    const int radius = box / 2, length = static_cast<int>(line.size());
    for (int pass = 0; pass < 3; ++pass) {
        sums.assign(static_cast<size_t>(length + 2 * radius) + 1, 0);
        for (int i = 0; i < length + 2 * radius; ++i)
            sums[i + 1] = sums[i] + line[std::clamp(i - radius, 0, length - 1)];
        for (int x = 0; x < length; ++x) line[x] = (sums[x + box] - sums[x]) / box;
    }
}

}  // namespace

void growMatte(Matte& matte, double pixels) {
    if (!(std::abs(pixels) > 0)) return;
    if (pixels > 0) return dilate(matte, pixels);
    complement(matte);
    dilate(matte, -pixels);
    complement(matte);
}

void featherMatte(Matte& matte, double pixels) {
    if (!(pixels > 1)) return;  // narrower than a pixel's own edge
    constexpr double wide = 48;
    const bool running = pixels > wide;
    // Odd, so that it has a middle; three of them reach as far as the spline, or a pixel less.
    const int box = std::max(1, (static_cast<int>(pixels / 3) - 1) / 2 * 2 + 1);
    const std::vector<double> taps = running ? std::vector<double>{} : splineTaps(pixels);
    Plane plane = activePart(matte, static_cast<int>(std::ceil(pixels / 2)) + 1);
    const int width = plane.window.width, height = plane.window.height;
    std::vector<double> line, scratch;
    const auto filter = [&] {
        running ? filterLineWide(line, box, scratch) : filterLine(line, taps, scratch);
    };
    for (int y = 0; y < height; ++y) {
        line.assign(plane.row(y), plane.row(y) + width);
        filter();
        std::copy(line.begin(), line.end(), plane.row(y));
    }
    line.resize(static_cast<size_t>(height));
    for (int x = 0; x < width; ++x) {
        for (int y = 0; y < height; ++y) line[y] = plane.row(y)[x];
        filter();
        for (int y = 0; y < height; ++y) {
            // Rounding must neither leave a trace of the matte outside nor of the plate inside.
            const double value = line[y] < 1e-6 ? 0 : line[y] > 1 - 1e-6 ? 1 : line[y];
            plane.row(y)[x] = static_cast<float>(value);
        }
    }
    putBack(plane, matte);
}

}  // namespace derrumbe::image
