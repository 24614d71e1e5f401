#include <catch2/catch.hpp>

#include "fixture.h"
#include "model/wan/vace_conditioning.h"
#include "support/error.h"

using namespace derrumbe;
using namespace derrumbe::model;

namespace {

struct Loaded {
    VaeConfig config;
    std::unique_ptr<WanVae> vae;
    ConditioningInput input;
    int scale = 8;

    explicit Loaded(const Fixture& fixture) : config(VaeConfig::read(fixture.config)) {
        fixture.config.throwIfProblems();
        const Weights weights = fixture.weights();
        vae = std::make_unique<WanVae>(weights, config);
        weights.throwIfProblems();
        input.video = fixture.floats("video");
        input.mask = fixture.floats("mask");
        input.keepReactive = fixture.value("keep_reactive").item<int64_t>() != 0;
        for (int k = 0; fixture.io->tensors().count("references_" + std::to_string(k)) != 0; ++k)
            input.references.push_back(fixture.floats("references_" + std::to_string(k)));
        scale = static_cast<int>(config.spatialScale());
    }
};

Fixture fixture(const std::string& name) {
    return Fixture{std::filesystem::path(DERRUMBE_TEST_DATA) / name};
}

}  // namespace

TEST_CASE("VACE conditioning is the reference pipeline's", "[conditioning][parity][device]") {
    const auto fixtures = Fixture::all("conditioning_");
    REQUIRE(fixtures.size() >= 4);
    for (const Fixture& one : fixtures) {
        INFO(one.name);
        const Loaded loaded(one);
        double done = 0, total = 1;
        const Tick tick = [&](double d, double t) {
            CHECK(d >= done);
            done = d, total = t;
        };
        const at::Tensor result = vaceConditioning(*loaded.vae, loaded.input, loaded.scale, tick);
        CHECK(done == total);
        CHECK(largestDifference(result, one.value("conditioning"), one.name) < tolerance().part);
    }
}

TEST_CASE("VACE mask channels: pixels of a square, frames nearest-exact in time",
          "[conditioning]") {
    // every value its own: frame * 1000 + row * 16 + column
    const at::Tensor mask = (at::arange(81, at::kFloat).view({1, 1, 81, 1, 1}) * 1000 +
                             at::arange(16, at::kFloat).view({1, 1, 1, 16, 1}) * 16 +
                             at::arange(16, at::kFloat).view({1, 1, 1, 1, 16}));
    const at::Tensor channels = maskChannels(mask, 8, 21);
    REQUIRE(channels.sizes() == at::IntArrayRef({1, 64, 21, 2, 2}));
    CHECK(channels[0][0][0][0][0].item<float>() == 1000);    // frame 1, not 0
    CHECK(channels[0][0][20][0][0].item<float>() == 79000);  // nor 80
    CHECK(channels[0][0][10][0][0].item<float>() == 40000);
    CHECK(channels[0][0][7][0][0].item<float>() == 28000);
    CHECK(channels[0][3 * 8 + 5][0][1][0].item<float>() == 1000 + 11 * 16 + 5);
    CHECK(channels[0][3 * 8 + 5][0][0][1].item<float>() == 1000 + 3 * 16 + 13);
}

TEST_CASE("VACE conditioning: what is grey and what is kept", "[conditioning]") {
    const Fixture one = fixture("conditioning_1");
    Loaded loaded(one);
    const at::Tensor with = vaceConditioning(*loaded.vae, loaded.input, loaded.scale);
    loaded.input.keepReactive = false;
    const at::Tensor without = vaceConditioning(*loaded.vae, loaded.input, loaded.scale);
    const int64_t channels = loaded.config.latentChannels;
    const at::Tensor grey = loaded.vae->encode(at::zeros_like(loaded.input.video));
    const int64_t references = 2, frames = grey.size(2);
    CHECK(at::equal(with.narrow(1, 0, channels), without.narrow(1, 0, channels)));
    CHECK(at::equal(without.narrow(1, channels, channels).narrow(2, references, frames), grey));
    CHECK_FALSE(at::equal(with.narrow(1, channels, channels).narrow(2, references, frames), grey));
    // the last reference comes first
    CHECK(at::equal(with.narrow(1, 0, channels).narrow(2, 0, 1),
                    loaded.vae->encode(loaded.input.references[1])));
    CHECK(with.narrow(1, channels, with.size(1) - channels)
              .narrow(2, 0, 2)
              .abs()
              .max()
              .item<float>() == 0);
}

TEST_CASE("VACE conditioning refuses shapes that do not belong together", "[conditioning]") {
    const Fixture one = fixture("conditioning_1");
    {
        Loaded loaded(one);
        loaded.input.mask = loaded.input.mask.narrow(2, 0, 5);
        CHECK_THROWS_AS(vaceConditioning(*loaded.vae, loaded.input, loaded.scale), Error);
    }
    {
        Loaded loaded(one);
        loaded.input.references[0] = loaded.input.references[0].narrow(4, 0, 16);
        CHECK_THROWS_AS(vaceConditioning(*loaded.vae, loaded.input, loaded.scale), Error);
    }
    {
        Loaded loaded(one);
        loaded.input.video = loaded.input.video.narrow(2, 0, 8);
        loaded.input.mask = loaded.input.mask.narrow(2, 0, 8);
        CHECK_THROWS_AS(vaceConditioning(*loaded.vae, loaded.input, loaded.scale), Error);
    }
}
