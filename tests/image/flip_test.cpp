#include "image/flip.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

#include "support/error.h"

using namespace derrumbe;
using namespace derrumbe::image;

namespace {

constexpr int width = 64, height = 48;

/// Waves, steps and squares; the values below come from the same picture made with numpy.
std::vector<float> pattern(int k) {
    std::vector<float> rgb;
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x) {
            rgb.push_back(static_cast<float>(0.5 + 0.5 * std::sin(0.37 * x + 0.11 * y * k)));
            rgb.push_back(static_cast<float>((x * 7 + y * 13 * k) % 31 / 30.0));
            rgb.push_back(static_cast<float>((x / 5 + y / 4) % 2 == 0 ? 0.15 * k : 0.9));
        }
    return rgb;
}

double mean(const std::vector<float>& map) {
    return std::accumulate(map.begin(), map.end(), 0.0) / static_cast<double>(map.size());
}

float at(const std::vector<float>& map, int y, int x) {
    return map[static_cast<size_t>(y) * width + x];
}

}  // namespace

// Expected values: flip-evaluator 1.7 (its authors' package), evaluate(a, b, "LDR",
// applyMagma=False), on these same pictures.
TEST_CASE("FLIP gives the values of its authors' evaluator", "[flip]") {
    const std::vector<float> a = pattern(1), b = pattern(2);
    const std::vector<float> map = flip(a, b, width, height);
    CHECK(mean(map) == Approx(0.6117732524871826).margin(1e-4));
    CHECK(at(map, 0, 0) == Approx(0.4057922661304474).margin(1e-4));
    CHECK(at(map, 10, 20) == Approx(0.7424941658973694).margin(1e-4));
    CHECK(at(map, 24, 32) == Approx(0.9504477381706238).margin(1e-4));
    CHECK(at(map, 47, 63) == Approx(0.8154736161231995).margin(1e-4));
    CHECK(at(map, 30, 5) == Approx(0.8948575854301453).margin(1e-4));

    std::vector<float> spot = a;
    for (int y = 20; y < 24; ++y)
        for (int i = 30 * 3; i < 36 * 3; ++i) {
            float& value = spot[static_cast<size_t>(y) * width * 3 + i];
            value = std::min(1.f, value + 0.2f);
        }
    const std::vector<float> local = flip(a, spot, width, height);
    CHECK(mean(local) == Approx(0.007350567728281021).margin(1e-4));
    CHECK(at(local, 0, 0) == Approx(0).margin(1e-4));
    CHECK(at(local, 19, 30) == Approx(0.20802223682403564).margin(1e-4));
    CHECK(at(local, 22, 32) == Approx(0.5369703769683838).margin(1e-4));
    CHECK(at(local, 25, 36) == Approx(0.0833667665719986).margin(1e-4));

    const std::vector<float> near = flip(a, b, width, height, 30);
    CHECK(mean(near) == Approx(0.7837936878204346).margin(1e-4));
    CHECK(at(near, 0, 0) == Approx(0.4048297107219696).margin(1e-4));
    CHECK(at(near, 10, 20) == Approx(0.9013611674308777).margin(1e-4));
    CHECK(at(near, 47, 63) == Approx(0.9679300785064697).margin(1e-4));
}

TEST_CASE("FLIP of equal pictures is 0, of black and white nearly 1", "[flip]") {
    const std::vector<float> a = pattern(1);
    CHECK(mean(flip(a, a, width, height)) == 0);
    const std::vector<float> black(a.size(), 0.f), white(a.size(), 1.f);
    CHECK(mean(flip(black, white, width, height)) == Approx(0.9673652648925781).margin(1e-4));
    // What is no code of a display counts as the nearest one.
    const std::vector<float> below(a.size(), -3.f), none(a.size(), std::nanf(""));
    CHECK(mean(flip(black, below, width, height)) == 0);
    CHECK(mean(flip(black, none, width, height)) == 0);
    CHECK_THROWS_AS(flip(a, black, width, height + 1), Error);
    CHECK_THROWS_AS(flip(a, a, width, height, 0), Error);
}
