#include "clip/grain.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <random>

#include "clip/grain_meter.h"
#include "clip/grain_spectrum.h"
#include "support/error.h"

using namespace derrumbe;
using namespace derrumbe::clip;

namespace {

/// Grain as a test knows it: Gaussian, `coarse` pixels of standard deviation (0: white), channels
/// that share a part of their noise, sigma = base + slope sqrt(light) times the channel's own.
struct Known {
    double base = 0.002, slope = 0.02, coarse = 0.8, shared = 0.5;
    std::array<double, 3> strength{1, 0.7, 1.6};

    double sigma(int channel, double light) const {
        return strength[channel] * (base + slope * std::sqrt(light));
    }
};

Frame picture(const Window& window, const std::function<float(int, int, int)>& light) {
    Frame frame;
    frame.data = frame.display = window;
    frame.channels = {"R", "G", "B"};
    for (int y = window.y; y < window.bottom(); ++y)
        for (int x = window.x; x < window.right(); ++x)
            for (int c = 0; c < 3; ++c) frame.pixels.push_back(light(x, y, c));
    return frame;
}

/// A unit normal plane, filtered and scaled to unit variance.
std::vector<double> noisePlane(int width, int height, double coarse, std::mt19937& random) {
    std::normal_distribution<double> normal;
    const int reach = coarse > 0 ? static_cast<int>(std::ceil(4 * coarse)) : 0;
    const int wide = width + 2 * reach, tall = height + 2 * reach;
    std::vector<double> taps;
    double energy = 0;
    for (int i = -reach; i <= reach; ++i)
        taps.push_back(coarse > 0 ? std::exp(-0.5 * i * i / (coarse * coarse)) : 1);
    for (const double tap : taps) energy += tap * tap;
    std::vector<double> white(static_cast<size_t>(wide) * tall),
        rows(static_cast<size_t>(width) * tall), plane(static_cast<size_t>(width) * height);
    for (double& value : white) value = normal(random);
    for (int y = 0; y < tall; ++y)
        for (int x = 0; x < width; ++x)
            for (size_t i = 0; i < taps.size(); ++i)
                rows[static_cast<size_t>(y) * width + x] +=
                    taps[i] * white[static_cast<size_t>(y) * wide + x + i] / energy;
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            for (size_t i = 0; i < taps.size(); ++i)
                plane[static_cast<size_t>(y) * width + x] +=
                    taps[i] * rows[(static_cast<size_t>(y) + i) * width + x];
    return plane;
}

void addKnown(Frame& frame, const Known& known, std::mt19937& random) {
    const int width = frame.data.width, height = frame.data.height;
    const auto shared = noisePlane(width, height, known.coarse, random);
    for (int c = 0; c < 3; ++c) {
        const auto own = noisePlane(width, height, known.coarse, random);
        for (size_t i = 0; i < own.size(); ++i) {
            float& value = frame.pixels[i * 3 + c];
            value +=
                static_cast<float>(known.sigma(c, value) * (std::sqrt(known.shared) * shared[i] +
                                                            std::sqrt(1 - known.shared) * own[i]));
        }
    }
}

/// What a plain look at a flat patch says: sigma, correlation to the right and below, and of two
/// channels.
struct Look {
    double sigma = 0, right = 0, below = 0, with = 0;
};

Look lookAt(const Frame& frame, int channel, int other) {
    const int width = frame.data.width, height = frame.data.height;
    const double count = static_cast<double>(width) * height;
    double mean = 0, meanOther = 0;
    for (size_t i = 0; i < frame.pixels.size(); i += 3) {
        mean += frame.pixels[i + channel] / count;
        meanOther += frame.pixels[i + other] / count;
    }
    double square = 0, squareOther = 0, right = 0, below = 0, with = 0;
    const auto at = [&](int x, int y, int c, double m) {
        return frame.pixels[(static_cast<size_t>(y) * width + x) * 3 + c] - m;
    };
    for (int y = 0; y + 1 < height; ++y)
        for (int x = 0; x + 1 < width; ++x) {
            const double value = at(x, y, channel, mean);
            square += value * value;
            squareOther += std::pow(at(x, y, other, meanOther), 2);
            right += value * at(x + 1, y, channel, mean);
            below += value * at(x, y + 1, channel, mean);
            with += value * at(x, y, other, meanOther);
        }
    return {std::sqrt(square / (double(width - 1) * (height - 1))), right / square, below / square,
            with / std::sqrt(square * squareOther)};
}

/// A plate of flat steps from 0.02 to 1.3 with a slow ramp, a hole where the matte is, and texture
/// in a corner: `frames` of it are measured.
Grain measured(const Known& known, int frames, bool texture, bool inTime) {
    const Window window = {-20, 7, 320, 256};
    std::mt19937 random(17), pattern(3);
    std::uniform_real_distribution<float> rough(-0.2f, 0.2f);
    std::vector<float> stones(static_cast<size_t>(window.width) * window.height);
    for (float& value : stones) value = rough(pattern);
    Matte hole{{-40, 0, 400, 300}, std::vector<float>(400 * 300)};
    for (int y = 100; y < 160; ++y)
        for (int x = 60; x < 140; ++x) hole.values[static_cast<size_t>(y) * 400 + x + 40] = 1;
    GrainMeter meter;
    Frame before;
    for (int i = 0; i < frames; ++i) {
        Frame frame = picture(window, [&](int x, int y, int c) {
            const int step = (x - window.x) / 80;
            float light = 0.02f * std::exp2(2.f * static_cast<float>(step)) *
                          (1 + 0.0002f * static_cast<float>(y)) * (c == 2 ? 0.95f : 1.f);
            const bool stone = texture && y > 170;
            if (stone)
                light *=
                    1 + stones[static_cast<size_t>(y - window.y) * window.width + (x - window.x)];
            return light;
        });
        addKnown(frame, known, random);
        for (int y = 100; y < 160; ++y)  // what the matte hides is no grain
            for (int x = 60; x < 140; ++x)
                for (int c = 0; c < 3; ++c) frame.at(x, y)[c] = rough(pattern) * 9;
        meter.add(frame, &hole, inTime && i > 0 ? &before : nullptr);
        before = frame;
    }
    return meter.grain();
}

}  // namespace

TEST_CASE("a plate's grain comes back in strength, size and colour", "[grain]") {
    // Stated tolerance: sigma within 8 %, correlations within 0.06.
    for (const double coarse : {0.0, 0.5, 0.8, 1.2}) {
        for (const bool inTime : {false, true}) {
            Known known;
            known.coarse = coarse;
            const Grain grain = measured(known, 4, false, inTime);
            REQUIRE(grain.any());
            std::mt19937 random(99);
            for (const float light : {0.02f, 0.08f, 0.32f, 1.28f}) {
                CAPTURE(coarse, inTime, light);
                const auto flat = [&](int, int, int) { return light; };
                Frame truth = picture({0, 0, 256, 256}, flat), made = truth;
                addKnown(truth, known, random);
                addGrain(made, grain, 7, 1012);
                for (int c = 0; c < 3; ++c) {
                    CAPTURE(c);
                    const Look real = lookAt(truth, c, (c + 1) % 3),
                               ours = lookAt(made, c, (c + 1) % 3);
                    CHECK(ours.sigma == Approx(known.sigma(c, light)).epsilon(0.08));
                    CHECK(std::abs(ours.right - real.right) < 0.06);
                    CHECK(std::abs(ours.below - real.below) < 0.06);
                    CHECK(std::abs(ours.with - real.with) < 0.06);
                }
            }
        }
    }
}

TEST_CASE("texture is not taken for grain", "[grain]") {
    const Known known;
    for (const bool inTime : {false, true}) {
        const Grain grain = measured(known, 4, true, inTime);
        for (int c = 0; c < 3; ++c)
            for (const double light : {0.03, 0.3})
                CHECK(grain.sigma(c, light) == Approx(known.sigma(c, light)).epsilon(0.12));
    }
}

TEST_CASE("a street of facades under a calm sky has the sky's grain", "[grain]") {
    // Every block between the pavement's light and the sky's is texture that moves.
    const Known known;
    const Window window = {0, 0, 384, 256};
    std::mt19937 random(5), pattern(8);
    std::uniform_real_distribution<float> rough(-0.6f, 0.6f);
    for (const float sky : {0.05f, 0.7f}) {
        CAPTURE(sky);
        GrainMeter meter;
        Frame before;
        for (int i = 0; i < 3; ++i) {
            Frame frame = picture(window, [&](int x, int y, int c) {
                static float stone = 0;
                if (y < 80) return sky;
                if (c == 0) stone = rough(pattern);
                return (x < 192 ? 0.1f : 0.3f) * (1 + stone);
            });
            addKnown(frame, known, random);
            meter.add(frame, nullptr, i > 0 ? &before : nullptr);
            before = frame;
        }
        const Grain grain = meter.grain();
        for (int c = 0; c < 3; ++c) {
            CAPTURE(c);
            CHECK(grain.sigma(c, sky) == Approx(known.sigma(c, sky)).epsilon(0.08));
            for (const double light : {0.1, 0.3}) {
                // Of the facades themselves it is 0.35 of the light.
                const double most = known.sigma(c, sky) * std::max(1.0, light / sky);
                CHECK(grain.sigma(c, light) <= 1.1 * std::min(most, 0.35 * light));
                CHECK(grain.sigma(c, light) >= 0.9 * std::min(known.sigma(c, light), most));
            }
        }
    }
}

TEST_CASE("a clipped sky and crushed blacks do not hide the grain", "[grain]") {
    const Known known;
    GrainMeter meter;
    std::mt19937 random(6);
    Frame frame = picture({0, 0, 384, 256}, [](int x, int, int) {
        return x < 128 ? 0.001f : x < 256 ? 0.2f : 1.f;
    });
    addKnown(frame, known, random);
    for (float& value : frame.pixels) value = std::clamp(value, 0.f, 0.97f);
    meter.add(frame, nullptr, nullptr);
    const Grain grain = meter.grain();
    for (int c = 0; c < 3; ++c)
        CHECK(grain.sigma(c, 0.2) == Approx(known.sigma(c, 0.2)).epsilon(0.08));
}

TEST_CASE("a plate without grain gives none", "[grain]") {
    Known none;
    none.base = none.slope = 0;
    const Grain still = measured(none, 3, true, true);
    for (int c = 0; c < 3; ++c) CHECK(still.sigma(c, 0.2) < 1e-5);
    CHECK_FALSE(GrainMeter().grain().any());
    Frame frame = picture({0, 0, 9, 7}, [](int x, int, int) { return 0.1f * x; });
    const Frame same = frame;
    addGrain(frame, GrainMeter().grain(), 1, 1);
    CHECK(frame.pixels == same.pixels);
}

TEST_CASE("grain depends on seed, frame and place alone", "[grain]") {
    const Grain grain = measured({}, 2, false, false);
    const auto light = [](int x, int y, int) {
        return 0.1f + 0.01f * static_cast<float>((x * 7 + y * 3) % 11);
    };
    Frame whole = picture({-10, -6, 60, 50}, light), part = picture({3, 5, 20, 10}, light);
    addGrain(whole, grain, 5, 1001);
    addGrain(part, grain, 5, 1001);
    for (int y = 5; y < 15; ++y)
        for (int x = 3; x < 23; ++x)
            for (int c = 0; c < 3; ++c) REQUIRE(part.at(x, y)[c] == whole.at(x, y)[c]);
    for (const auto& [seed, frame] : {std::pair<std::uint64_t, int>{6, 1001}, {5, 1002}}) {
        Frame other = picture({3, 5, 20, 10}, light);
        addGrain(other, grain, seed, frame);
        CHECK(other.pixels != part.pixels);
    }
}

TEST_CASE("grain fills up what the plate's own detail leaves", "[grain]") {
    const Known known;
    const Grain grain = measured(known, 3, false, true);
    const Window window = {0, 0, 128, 128};
    const auto flat = [](int, int, int) { return 0.3f; };
    Frame kept = picture(window, [](int x, int, int) { return x < 64 ? 1.f : 0.6f; });
    kept.channels = {"Y"};
    std::vector<float> weights;
    for (size_t i = 0; i < kept.pixels.size(); i += 3) weights.push_back(kept.pixels[i]);
    kept.pixels = weights;
    Frame frame = picture(window, flat);
    frame.at(100, 100)[1] = std::nanf("");
    addGrain(frame, grain, 1, 1, kept);
    for (int x = 0; x < 64; ++x) CHECK(frame.at(x, 9)[0] == 0.3f);
    CHECK(std::isnan(frame.at(100, 100)[1]));
    Frame right =
        picture({0, 0, 64, 128}, [&](int x, int y, int) { return frame.at(x + 64, y)[0]; });
    CHECK(lookAt(right, 0, 0).sigma == Approx(0.8 * known.sigma(0, 0.3)).epsilon(0.1));
    kept.data.x = 1;
    CHECK_THROWS_AS(addGrain(frame, grain, 1, 1, kept), Error);
}

TEST_CASE("grain goes no lower than the plate, and never lifts what is lower", "[grain]") {
    Grain grain = measured({}, 1, false, false);
    for (auto& channel : grain.channels) channel.levels = {{0.1, 0.5}};
    grain.floor = -0.01f;
    Frame frame = picture({0, 0, 64, 64}, [](int x, int, int) { return x < 32 ? 0.f : -0.2f; });
    addGrain(frame, grain, 3, 3);
    for (int x = 0; x < 64; ++x)
        for (int y = 0; y < 64; ++y) REQUIRE(frame.at(x, y)[0] >= (x < 32 ? -0.01f : -0.2f));
}

TEST_CASE("correlations that cannot be are brought to ones that can", "[grain]") {
    const auto mix = mixFor({{{1, 0, 0}, {-2, 1, 0}, {0.9, 0.9, 1}}});
    for (const auto& row : mix) {
        double length = 0;
        for (const float value : row) {
            CHECK(std::isfinite(value));
            length += double(value) * value;
        }
        CHECK(length == Approx(1));
    }
    const auto kernel = kernelFor({});
    CHECK(kernel[kernel.size() / 2] == 1);
}
