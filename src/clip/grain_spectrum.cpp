#include "clip/grain_spectrum.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace derrumbe::clip {
namespace {

/// Frequencies an axis: four times what the correlations reach, so that the root's tails do not
/// come around.
constexpr int size = 32;

/// cos(2 pi (u dx + v dy) / size), by the whole number u dx + v dy.
double wave(int turn) {
    return std::cos(2 * std::numbers::pi * (turn % size) / size);
}

}  // namespace

std::array<float, grainSpan * grainSpan> kernelFor(
    const std::array<double, grainSpan * grainSpan>& correlation) {
    std::array<double, size * size> root;
    for (int v = 0; v < size; ++v)
        for (int u = 0; u < size; ++u) {
            double power = 0;
            for (int dy = -grainReach; dy <= grainReach; ++dy)
                for (int dx = -grainReach; dx <= grainReach; ++dx)
                    power += correlation[(dy + grainReach) * grainSpan + dx + grainReach] *
                             wave(u * dx + v * dy);
            root[v * size + u] = std::sqrt(std::max(power, 0.0));
        }
    std::array<double, grainSpan * grainSpan> kernel;
    double energy = 0;
    for (int dy = -grainReach; dy <= grainReach; ++dy)
        for (int dx = -grainReach; dx <= grainReach; ++dx) {
            double sum = 0;
            for (int v = 0; v < size; ++v)
                for (int u = 0; u < size; ++u) sum += root[v * size + u] * wave(u * dx + v * dy);
            kernel[(dy + grainReach) * grainSpan + dx + grainReach] = sum;
            energy += sum * sum;
        }
    std::array<float, grainSpan * grainSpan> unit{};
    if (!(energy > 0)) {
        unit[unit.size() / 2] = 1;
        return unit;
    }
    for (size_t i = 0; i < unit.size(); ++i)
        unit[i] = static_cast<float>(kernel[i] / std::sqrt(energy));
    return unit;
}

std::array<std::array<float, 3>, 3> mixFor(
    const std::array<std::array<double, 3>, 3>& correlation) {
    std::array<std::array<double, 3>, 3> root{};
    for (int i = 0; i < 3; ++i) {
        double length = 0;
        for (int j = 0; j < i; ++j) {
            double value = correlation[i][j];
            for (int k = 0; k < j; ++k) value -= root[i][k] * root[j][k];
            root[i][j] = root[j][j] > 1e-6 ? value / root[j][j] : 0;
            length += root[i][j] * root[i][j];
        }
        if (length > 1) {
            for (int j = 0; j < i; ++j) root[i][j] /= std::sqrt(length);
            length = 1;
        }
        root[i][i] = std::sqrt(1 - length);
    }
    std::array<std::array<float, 3>, 3> mix{};
    for (int i = 0; i < 3; ++i)
        for (int j = 0; j <= i; ++j) mix[i][j] = static_cast<float>(root[i][j]);
    return mix;
}

}  // namespace derrumbe::clip
