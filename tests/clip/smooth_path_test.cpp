#include "clip/smooth_path.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>

using namespace derrumbe::clip;

namespace {

PathStep at(double wanted, double reach = 1000) {
    return {true, wanted, std::floor(wanted) - reach, std::ceil(wanted) + reach};
}

double turn(const std::vector<double>& path, size_t i) {
    return std::abs(path[i + 1] - 2 * path[i] + path[i - 1]);
}

double sharpestTurn(const std::vector<double>& path) {
    double sharpest = 0;
    for (size_t i = 1; i + 1 < path.size(); ++i) sharpest = std::max(sharpest, turn(path, i));
    return sharpest;
}

}  // namespace

TEST_CASE("a motion at constant speed is followed exactly, to a 64th", "[path]") {
    for (const int frames : {2, 4, 40})
        for (const double speed : {0.0, 0.25, -3.3, 17.0}) {
            std::vector<PathStep> steps;
            for (int i = 0; i < frames; ++i) steps.push_back(at(12 + speed * i));
            const std::vector<double> path = smoothPath(steps);
            for (size_t i = 0; i < path.size(); ++i) {
                REQUIRE(std::abs(path[i] - steps[i].wanted) <= 1.0 / 128 + 1e-9);
                REQUIRE(path[i] * 64 == std::round(path[i] * 64));
            }
        }
    // What does not move does not move at all.
    CHECK(smoothPath(std::vector<PathStep>(9, at(7))) == std::vector<double>(9, 7.0));
}

TEST_CASE("of a wave of 24 frames half is followed, of a shake next to nothing", "[path]") {
    const auto followed = [](double period) {
        std::vector<PathStep> steps;
        const auto wave = [&](int i) { return std::sin(2 * M_PI * i / period); };
        for (int i = 0; i < 480; ++i) steps.push_back(at(100 * wave(i)));
        const std::vector<double> path = smoothPath(steps);
        double most = 0;
        for (size_t i = 100; i < 380; ++i) most = std::max(most, path[i]);
        return most / 100;
    };
    CHECK(followed(24) == Approx(0.5).margin(0.02));
    CHECK(followed(96) > 0.99);
    CHECK(followed(8) < 0.02);
}

TEST_CASE("the limits hold whatever is wanted, and cost no more turning than they must", "[path]") {
    std::mt19937 random(5);
    const auto pick = [&](int low, int high) {
        return std::uniform_int_distribution<int>(low, high)(random);
    };
    for (int count = 0; count < 60; ++count) {
        std::vector<PathStep> steps;
        double place = 300, speed = 0;
        for (int i = 0, frames = pick(1, 90); i < frames; ++i) {
            speed += pick(-2, 2), place += speed;
            if (pick(0, 9) == 0) place += pick(-40, 40);
            PathStep step = at(place + 0.5 * pick(0, 1), pick(0, 12));
            step.known = pick(0, 7) != 0;
            step.known = step.known || i == 0 || i + 1 == frames;
            if (!step.known) step.least = -5000, step.most = 5000;
            steps.push_back(step);
        }
        const std::vector<double> path = smoothPath(steps);
        REQUIRE(path.size() == steps.size());
        for (size_t i = 0; i < path.size(); ++i) {
            REQUIRE(path[i] >= steps[i].least);
            REQUIRE(path[i] <= steps[i].most);
        }
        // No single place can be moved by half a pixel within its limits for less.
        const auto cost = [&](const std::vector<double>& of) {
            double sum = 0;
            for (size_t i = 0; i < of.size(); ++i)
                if (steps[i].known) sum += std::pow(of[i] - steps[i].wanted, 2);
            for (size_t i = 1; i + 1 < of.size(); ++i) sum += 215 * std::pow(turn(of, i), 2);
            return sum;
        };
        const double own = cost(path);
        for (size_t i = 0; i < path.size(); ++i)
            for (const double by : {-0.5, 0.5}) {
                std::vector<double> other = path;
                other[i] += by;
                if (other[i] < steps[i].least || other[i] > steps[i].most) continue;
                REQUIRE(cost(other) >= own - 1e-6 * own);
            }
    }
}

TEST_CASE("where no place is known the path goes on and comes to rest", "[path]") {
    std::vector<PathStep> steps(100, PathStep{false, 0, -5000, 5000});
    for (int i = 60; i < 100; ++i) steps[static_cast<size_t>(i)] = at(5.0 * i);
    const std::vector<double> path = smoothPath(steps);
    CHECK(path[99] == Approx(495).margin(0.1));
    CHECK(path[60] - path[59] > 4.7);  // it moves on as it did
    CHECK(path[1] - path[0] < 0.5);    // and is nearly at rest in the end
    CHECK(sharpestTurn(path) < 0.25);
    for (size_t i = 1; i < path.size(); ++i) CHECK(path[i] >= path[i - 1]);
    // At a limit it rests sooner, and does not run into it.
    for (PathStep& step : steps) step.least = step.known ? step.least : 270;
    const std::vector<double> stopped = smoothPath(steps);
    CHECK(stopped[0] >= 270);
    CHECK(stopped[0] < 280);
    CHECK(stopped[60] - stopped[59] > 4);
    CHECK(sharpestTurn(stopped) < 0.8);
    // Nothing known at all: the nearest place to 0 that there is.
    CHECK(smoothPath({{false, 0, 3, 9}, {false, 0, -2, 9}}) == std::vector<double>{3, 0});
    CHECK(smoothPath({}).empty());
}
