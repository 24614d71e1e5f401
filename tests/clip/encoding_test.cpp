#include "clip/encoding.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "support/error.h"

using namespace derrumbe;
using clip::Encoding;

TEST_CASE("every encoding comes back within 1e-3 from 0 to its maximum, or 64", "[encoding]") {
    for (const auto& name : Encoding::names()) {
        const Encoding encoding = Encoding::named(name);
        const float top = std::min(64.f, encoding.maximum());
        std::mt19937 random(7);
        std::uniform_real_distribution<float> linear(0, top), exponent(-12, std::log2(top));
        double worst = 0;
        for (int count = 0; count < 20000; ++count) {
            const float x = count % 2 ? linear(random) : std::exp2(exponent(random));
            const float code = encoding.encode(x);
            REQUIRE(code >= 0);
            REQUIRE(code <= 1);
            worst = std::max(worst, std::abs(encoding.decode(code) - x) / static_cast<double>(x));
        }
        INFO(name);
        CHECK(worst <= 1e-3);
        CHECK(encoding.decode(encoding.encode(0)) == Approx(0).margin(1e-6));
        CHECK(encoding.decode(encoding.encode(top)) == Approx(top).epsilon(1e-3));
    }
}

TEST_CASE("every encoding rises", "[encoding]") {
    for (const auto& name : Encoding::names()) {
        const Encoding encoding = Encoding::named(name);
        INFO(name);
        float before = encoding.encode(0);
        for (float x = 1e-4f; x < encoding.maximum(); x *= 1.05f) {
            const float code = encoding.encode(x);
            CHECK(code > before);
            before = code;
        }
        CHECK(encoding.encode(encoding.maximum() * 2) == 1);
    }
}

TEST_CASE("encodings meet their published values", "[encoding]") {
    const auto code = [](const char* name, float x) { return Encoding::named(name).encode(x); };
    CHECK(code("logc3", 0) == Approx(0.092809).epsilon(1e-5));
    CHECK(code("logc3", 0.18f) == Approx(0.391).epsilon(2e-3));
    CHECK(Encoding::named("logc3").maximum() == Approx(55.08).epsilon(1e-3));
    CHECK(code("acescct", 0) == Approx(0.0729055).epsilon(1e-5));
    CHECK(code("acescct", 0.18f) == Approx(0.4135884).epsilon(1e-5));
    CHECK(code("acescct", 1) == Approx(0.5547945).epsilon(1e-5));
    CHECK(Encoding::named("acescct").maximum() == Approx(222.86).epsilon(1e-4));
    CHECK(code("srgb", 0.18f) == Approx(0.46136).epsilon(1e-4));
    CHECK(code("srgb", 1) == 1);
    CHECK(code("srgb", 3) == 1);
    CHECK(code("srgb_shoulder", 0.18f) == Approx(0.46136).epsilon(1e-4));
    CHECK(code("srgb_shoulder", 0.5f) == Approx(0.735357).epsilon(1e-4));
    CHECK(Encoding::named("srgb_shoulder").maximum() == Approx(64).epsilon(1e-5));
}

TEST_CASE("the shoulder leaves its knee with slope 1", "[encoding]") {
    const double a = clip::shoulderConstant(0.5, 64);
    CHECK(a == Approx(0.0740).epsilon(2e-3));
    CHECK(0.5 / (a * std::log1p(63.5 / a)) == Approx(1).epsilon(1e-12));
    const Encoding encoding = Encoding::named("srgb_shoulder");
    const double step = 1e-3;
    const double below = encoding.encode(0.5f) - encoding.encode(static_cast<float>(0.5 - step));
    const double above = encoding.encode(static_cast<float>(0.5 + step)) - encoding.encode(0.5f);
    CHECK(above / below == Approx(1).epsilon(0.02));
}

TEST_CASE("what has no code is taken to the nearest that has one", "[encoding]") {
    const float nan = std::numeric_limits<float>::quiet_NaN(),
                infinity = std::numeric_limits<float>::infinity();
    for (const auto& name : Encoding::names()) {
        const Encoding encoding = Encoding::named(name);
        CHECK(encoding.encode(-3) == encoding.encode(0));
        CHECK(encoding.encode(nan) == encoding.encode(0));
        CHECK(encoding.encode(-infinity) == encoding.encode(0));
        CHECK(encoding.encode(infinity) == 1);
        CHECK(encoding.decode(-1) == 0);
        CHECK(encoding.decode(2) == encoding.maximum());
        CHECK(std::isnan(encoding.decode(nan)));
    }
}

TEST_CASE("vector forms map onto [-1, 1] and back", "[encoding]") {
    const Encoding encoding = Encoding::named("srgb_shoulder");
    std::mt19937 random(11);
    std::uniform_real_distribution<float> exponent(-8, 6);
    std::vector<float> linear(999), model(999), back(999);
    for (float& x : linear) x = std::exp2(exponent(random));
    encoding.toModel(linear, model);
    encoding.fromModel(model, back);
    for (size_t index = 0; index < linear.size(); ++index) {
        CHECK(model[index] == Approx(2 * encoding.encode(linear[index]) - 1).margin(1e-6));
        CHECK(back[index] == Approx(linear[index]).epsilon(1e-3));
    }
    encoding.toModel(linear, linear);  // in place
    CHECK(linear == model);
}

TEST_CASE("an unknown encoding is a model error that names the known ones", "[encoding]") {
    try {
        Encoding::named("rec2020");
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.code() == ExitCode::Model);
        CHECK(std::string(error.what()).find("srgb_shoulder") != std::string::npos);
    }
}
