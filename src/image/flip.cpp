#include "image/flip.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "support/error.h"

namespace derrumbe::image {

namespace {

using Triple = std::array<double, 3>;
using Matrix = std::array<Triple, 3>;

constexpr double pi = 3.14159265358979323846;

/// Linear RGB of sRGB's primaries to XYZ (IEC 61966-2-1), and back.
constexpr Matrix xyzFromRgb = {{{0.41238656325, 0.35759149092, 0.18045049120},
                                {0.21263682167, 0.71518298184, 0.07218019648},
                                {0.01933062023, 0.11919716364, 0.95037258699}}};
constexpr Matrix rgbFromXyz = {{{3.241003275, -1.537398934, -0.498615861},
                                {-0.969224334, 1.875930071, 0.041554224},
                                {0.055639423, -0.204011202, 1.057148933}}};
constexpr Triple white = {0.950428545, 1.000000000, 1.088900371};  // of these primaries, D65

Triple times(const Matrix& m, const Triple& v) {
    Triple out;
    for (int i = 0; i < 3; ++i) out[i] = m[i][0] * v[0] + m[i][1] * v[1] + m[i][2] * v[2];
    return out;
}

/// Section 4.1: an opponent space in which contrast sensitivity is known, linear in light.
Triple ycxczFromRgb(const Triple& rgb) {
    Triple xyz = times(xyzFromRgb, rgb);
    for (int i = 0; i < 3; ++i) xyz[i] /= white[i];
    return {116 * xyz[1] - 16, 500 * (xyz[0] - xyz[1]), 200 * (xyz[1] - xyz[2])};
}

Triple rgbFromYcxcz(const Triple& c) {
    const double y = (c[0] + 16) / 116;
    return times(rgbFromXyz,
                 {(y + c[1] / 500) * white[0], y * white[1], (y - c[2] / 200) * white[2]});
}

/// Section 4.1: CIELAB, its colours weaker where it is dark (Hunt's effect).
Triple huntLabFromRgb(const Triple& rgb) {
    const auto curve = [](double t) {
        constexpr double delta = 6.0 / 29;
        return t > delta * delta * delta ? std::cbrt(t) : t / (3 * delta * delta) + 4.0 / 29;
    };
    Triple xyz = times(xyzFromRgb, rgb);
    for (int i = 0; i < 3; ++i) xyz[i] = curve(xyz[i] / white[i]);
    const double lightness = 116 * xyz[1] - 16;
    return {lightness, 0.01 * lightness * 500 * (xyz[0] - xyz[1]),
            0.01 * lightness * 200 * (xyz[1] - xyz[2])};
}

double hyab(const Triple& a, const Triple& b) {
    return std::abs(a[0] - b[0]) + std::hypot(a[1] - b[1], a[2] - b[2]);
}

double linear(float code) {
    const double s = code > 0 ? std::min(code, 1.f) : 0;  // the comparison is false for NaN
    return s <= 0.04045 ? s / 12.92 : std::pow((s + 0.055) / 1.055, 2.4);
}

/// One channel of a picture.
struct Plane {
    int width = 0, height = 0;
    std::vector<float> values;

    Plane(int w, int h) : width(w), height(h), values(static_cast<size_t>(w) * h) {}
};

using Kernel = std::vector<double>;  ///< 2 r + 1 weights, the middle one at r

Kernel kernel(int radius, const std::function<double(int)>& weight) {
    Kernel result;
    for (int i = -radius; i <= radius; ++i) result.push_back(weight(i));
    return result;
}

double sum(const Kernel& k) {
    double total = 0;
    for (const double weight : k) total += weight;
    return total;
}

/// out += weight * in, over a row.
void addScaled(float* out, const float* in, double weight, int width) {
    const auto scale = static_cast<float>(weight);
    for (int x = 0; x < width; ++x) out[x] += scale * in[x];
}

/// Rows with one kernel, columns with another; the border's pixels are repeated.
Plane filtered(const Plane& in, const Kernel& across, const Kernel& down) {
    const int radius = static_cast<int>(across.size() / 2);
    const auto row = [&](auto& plane, int y) {
        return plane.values.data() + static_cast<size_t>(y) * in.width;
    };
    Plane rows(in.width, in.height), out(in.width, in.height);
    std::vector<float> padded(static_cast<size_t>(in.width) + 2 * radius);
    for (int y = 0; y < in.height; ++y) {
        for (int x = 0; x < static_cast<int>(padded.size()); ++x)
            padded[x] = row(in, y)[std::clamp(x - radius, 0, in.width - 1)];
        for (int i = 0; i <= 2 * radius; ++i)
            addScaled(row(rows, y), padded.data() + i, across[i], in.width);
    }
    for (int y = 0; y < in.height; ++y)
        for (int i = -radius; i <= radius; ++i)
            addScaled(row(out, y), row(rows, std::clamp(y + i, 0, in.height - 1)), down[i + radius],
                      in.width);
    return out;
}

/// One Gaussian of a contrast sensitivity function: amplitude and width.
struct Gaussian {
    double a, b;
};

/// Table 1 of the paper: achromatic, red-green, blue-yellow.
const std::array<std::vector<Gaussian>, 3> sensitivity = {
    {{{1.0, 0.0047}}, {{1.0, 0.0053}}, {{34.1, 0.04}, {13.5, 0.025}}}};
constexpr double widest = 0.04;

/// Section 4.1: what the eye resolves of one channel. A Gaussian of two dimensions is one of each.
Plane seen(const Plane& in, const std::vector<Gaussian>& gaussians, double ppd) {
    const int radius = static_cast<int>(std::ceil(3 * std::sqrt(widest / (2 * pi * pi)) * ppd));
    Plane out(in.width, in.height);
    double total = 0;
    for (const auto& [a, b] : gaussians) {
        const Kernel k = kernel(radius, [&, b = b](int i) {
            const double degrees = i / ppd;
            return std::exp(-pi * pi * degrees * degrees / b);
        });
        const double amplitude = a * std::sqrt(pi / b);
        total += amplitude * sum(k) * sum(k);
        const Plane part = filtered(in, k, k);
        for (size_t i = 0; i < out.values.size(); ++i)
            out.values[i] += static_cast<float>(amplitude * part.values[i]);
    }
    for (float& value : out.values) value = static_cast<float>(value / total);
    return out;
}

/// Weights above zero add up to 1, those below to -1.
Kernel balanced(Kernel k) {
    double above = 0, below = 0;
    for (const double weight : k) (weight > 0 ? above : below) += std::abs(weight);
    for (double& weight : k) weight /= weight > 0 ? above : below;
    return k;
}

/// Section 4.2: the strength of edges and of points at every pixel of a lightness in [0, 1].
std::array<Plane, 2> features(const Plane& lightness, double ppd) {
    const double deviation = 0.5 * 0.082 * ppd;  // half the width of the detected feature
    const int radius = static_cast<int>(std::ceil(3 * deviation));
    const auto gauss = [&](int i) { return std::exp(-i * i / (2 * deviation * deviation)); };
    Kernel smooth = kernel(radius, gauss);
    const double total = sum(smooth);
    for (double& weight : smooth) weight /= total;
    const std::array<Kernel, 2> detectors = {
        balanced(kernel(radius, [&](int i) { return -i * gauss(i); })),
        balanced(kernel(radius,
                        [&](int i) { return (i * i / (deviation * deviation) - 1) * gauss(i); }))};
    std::array<Plane, 2> found = {lightness, lightness};
    for (int kind = 0; kind < 2; ++kind) {
        const Plane across = filtered(lightness, detectors[kind], smooth);
        const Plane down = filtered(lightness, smooth, detectors[kind]);
        for (size_t i = 0; i < across.values.size(); ++i)
            found[kind].values[i] = std::hypot(across.values[i], down.values[i]);
    }
    return found;
}

/// A picture as the metric looks at it.
struct Seen {
    std::vector<Triple> colours;  ///< Hunt-adjusted Lab after the eye's filters
    std::array<Plane, 2> features;
};

Seen look(const std::vector<float>& codes, int width, int height, double ppd) {
    std::vector<Plane> planes(3, Plane(width, height));
    Plane lightness(width, height);
    for (size_t i = 0; i < lightness.values.size(); ++i) {
        const Triple c = ycxczFromRgb(
            {linear(codes[i * 3]), linear(codes[i * 3 + 1]), linear(codes[i * 3 + 2])});
        for (int k = 0; k < 3; ++k) planes[k].values[i] = static_cast<float>(c[k]);
        lightness.values[i] = static_cast<float>((c[0] + 16) / 116);
    }
    for (int k = 0; k < 3; ++k) planes[k] = seen(planes[k], sensitivity[k], ppd);
    Seen result{std::vector<Triple>(lightness.values.size()), features(lightness, ppd)};
    for (size_t i = 0; i < result.colours.size(); ++i) {
        Triple rgb = rgbFromYcxcz({planes[0].values[i], planes[1].values[i], planes[2].values[i]});
        for (double& value : rgb) value = std::clamp(value, 0.0, 1.0);
        result.colours[i] = huntLabFromRgb(rgb);
    }
    return result;
}

/// Section 4.1: the colour error as a share of the largest there is; the first 40 % of it take 95 %
/// of the scale.
double colourError(const Triple& a, const Triple& b) {
    constexpr double power = 0.7, knee = 0.4, shareBelow = 0.95;
    static const double largest =
        std::pow(hyab(huntLabFromRgb({0, 1, 0}), huntLabFromRgb({0, 0, 1})), power);
    const double error = std::pow(hyab(a, b), power), at = knee * largest;
    return error < at ? shareBelow / at * error
                      : shareBelow + (error - at) / (largest - at) * (1 - shareBelow);
}

}  // namespace

std::vector<float> flip(const std::vector<float>& reference, const std::vector<float>& test,
                        int width, int height, double pixelsPerDegree) {
    const size_t count = static_cast<size_t>(std::max(0, width)) * std::max(0, height);
    if (count == 0 || reference.size() != count * 3 || test.size() != count * 3)
        throw Error(ExitCode::Internal, "FLIP needs two RGB pictures of one size");
    if (!(pixelsPerDegree >= 1 && pixelsPerDegree <= 1000))
        throw Error(ExitCode::Usage, "FLIP's pixels per degree must be from 1 to 1000");
    const Seen a = look(reference, width, height, pixelsPerDegree),
               b = look(test, width, height, pixelsPerDegree);
    std::vector<float> map(count);
    for (size_t i = 0; i < count; ++i) {
        const double edges = std::abs(a.features[0].values[i] - b.features[0].values[i]),
                     points = std::abs(a.features[1].values[i] - b.features[1].values[i]);
        // Section 4.2 and 4.3: a feature that only one picture has makes its colour error count
        // more.
        const double feature = std::sqrt(std::min(1.0, std::max(edges, points) / std::sqrt(2.0)));
        const double colour = std::clamp(colourError(a.colours[i], b.colours[i]), 0.0, 1.0);
        map[i] = static_cast<float>(std::pow(colour, 1 - feature));
    }
    return map;
}

}  // namespace derrumbe::image
