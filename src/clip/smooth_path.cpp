#include "clip/smooth_path.h"

#include <algorithm>
#include <cmath>

namespace derrumbe::clip {
namespace {

/// Half of a wave of 24 frames is followed: 1 / (1 + stiffness (2 sin(pi / 24))^4) = 1 / 2.
constexpr double stiffness = 215;
constexpr double grid = 64;

/// A symmetric matrix with two bands above its diagonal, and its Cholesky factors L D L^T.
class Banded {
  public:
    explicit Banded(size_t size) : diagonal_(size), near_(size), far_(size) {}

    void add(size_t row, size_t column, double value) {
        if (column == row) diagonal_[row] += value;
        if (column == row + 1) near_[row] += value;
        if (column == row + 2) far_[row] += value;
    }
    void addSquare(size_t first, const std::vector<double>& weights, double factor) {
        for (size_t i = 0; i < weights.size(); ++i)
            for (size_t j = i; j < weights.size(); ++j)
                add(first + i, first + j, factor * weights[i] * weights[j]);
    }
    void factorise() {
        for (size_t i = 0; i < diagonal_.size(); ++i) {
            if (i >= 1) diagonal_[i] -= near_[i - 1] * near_[i - 1] * diagonal_[i - 1];
            if (i >= 2) diagonal_[i] -= far_[i - 2] * far_[i - 2] * diagonal_[i - 2];
            if (i >= 1) near_[i] -= near_[i - 1] * far_[i - 1] * diagonal_[i - 1];
            near_[i] /= diagonal_[i];
            far_[i] /= diagonal_[i];
        }
    }
    std::vector<double> solve(std::vector<double> x) const {
        const size_t size = x.size();
        for (size_t i = 0; i < size; ++i) {
            if (i >= 1) x[i] -= near_[i - 1] * x[i - 1];
            if (i >= 2) x[i] -= far_[i - 2] * x[i - 2];
        }
        for (size_t i = size; i-- > 0;) {
            x[i] /= diagonal_[i];
            if (i + 1 < size) x[i] -= near_[i] * x[i + 1];
            if (i + 2 < size) x[i] -= far_[i] * x[i + 2];
        }
        return x;
    }

  private:
    std::vector<double> diagonal_, near_, far_;
};

/// What is minimised, with `more` on the diagonal.
Banded objective(const std::vector<PathStep>& steps, double more) {
    Banded matrix(steps.size());
    for (size_t i = 0; i < steps.size(); ++i) matrix.add(i, i, (steps[i].known ? 1.0 : 0.0) + more);
    for (size_t i = 0; i + 2 < steps.size(); ++i) matrix.addSquare(i, {1, -2, 1}, stiffness);
    matrix.factorise();
    return matrix;
}

std::vector<double> within(std::vector<double> path, const std::vector<PathStep>& steps) {
    for (size_t i = 0; i < path.size(); ++i)
        path[i] = std::clamp(path[i], steps[i].least, steps[i].most);
    return path;
}

/// The constrained minimum, from the one without limits.
std::vector<double> limited(const std::vector<PathStep>& steps, const std::vector<double>& wanted,
                            std::vector<double> path) {
    constexpr double weight = 60;  // between the smallest and the greatest curvature, 1 and 3441
    // It takes some hundreds; a shot of very many frames is not waited for.
    const auto mostRounds = std::max<size_t>(200, size_t{20000000} / path.size());
    constexpr double near = 1e-4;
    const Banded matrix = objective(steps, weight);
    std::vector<double> kept = within(path, steps), price(path.size());
    for (size_t round = 0; round < mostRounds; ++round) {
        std::vector<double> pull(path.size());
        for (size_t i = 0; i < path.size(); ++i)
            pull[i] = wanted[i] + weight * (kept[i] - price[i]);
        path = matrix.solve(std::move(pull));
        double apart = 0;
        for (size_t i = 0; i < path.size(); ++i) {
            const double before = kept[i];
            kept[i] = std::clamp(path[i] + price[i], steps[i].least, steps[i].most);
            price[i] += path[i] - kept[i];
            apart = std::max({apart, std::abs(path[i] - kept[i]), std::abs(kept[i] - before)});
        }
        if (apart < near) break;
    }
    return kept;
}

/// From the first known step to the last.
std::vector<double> smoothed(const std::vector<PathStep>& steps) {
    std::vector<double> wanted;
    for (const PathStep& step : steps) wanted.push_back(step.known ? step.wanted : 0.0);
    std::vector<double> path = objective(steps, 0).solve(wanted);
    return path == within(path, steps) ? path : limited(steps, wanted, path);
}

/// Goes on from `from`, `speed` a step, for so many steps, slowing down as exp(-steps / 24), or
/// sooner where it would not come to rest within the limits.
std::vector<double> comingToRest(double from, double speed, size_t steps, const PathStep& limits) {
    const double room = speed < 0 ? from - limits.least : limits.most - from;
    const double travel = std::abs(speed);
    const double keeps =
        std::min(std::exp(-1.0 / 24), travel > 0 ? std::max(0.0, 1 - travel / (room + travel)) : 0);
    std::vector<double> path;
    for (size_t i = 0; i < steps; ++i) path.push_back(from += speed *= keeps);
    return path;
}

}  // namespace

std::vector<double> smoothPath(const std::vector<PathStep>& steps) {
    const auto known = [](const PathStep& step) { return step.known; };
    const auto begin = std::find_if(steps.begin(), steps.end(), known);
    const auto end = std::find_if(steps.rbegin(), steps.rend(), known).base();
    std::vector<double> path;
    if (begin == steps.end()) {
        path.resize(steps.size());
    } else {
        path = smoothed({begin, end});
        const bool moves = path.size() > 1;
        const double first = moves ? path[0] - path[1] : 0,
                     last = moves ? path.back() - path[path.size() - 2] : 0;
        const auto after =
            comingToRest(path.back(), last, static_cast<size_t>(steps.end() - end), steps.back());
        auto before = comingToRest(path.front(), first, static_cast<size_t>(begin - steps.begin()),
                                   steps.front());
        std::reverse(before.begin(), before.end());
        path.insert(path.begin(), before.begin(), before.end());
        path.insert(path.end(), after.begin(), after.end());
    }
    for (double& place : path) place = std::round(place * grid) / grid;
    return within(path, steps);  // the limits lie on the grid
}

}  // namespace derrumbe::clip
