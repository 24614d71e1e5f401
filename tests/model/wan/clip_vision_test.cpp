#include "model/wan/clip_vision.h"

#include <catch2/catch.hpp>

#include "fixture.h"

using namespace derrumbe;
using namespace derrumbe::model;

TEST_CASE("the CLIP vision tower gives what transformers gives", "[clip][parity][device]") {
    const std::vector<Fixture> fixtures = Fixture::all("clip_");
    REQUIRE(fixtures.size() == 3);
    for (const Fixture& fixture : fixtures) {
        INFO(fixture.name);
        const ClipConfig config = ClipConfig::read(fixture.config);
        fixture.config.throwIfProblems();
        const Weights weights = fixture.weights();
        const ClipVision tower(weights, config);
        weights.throwIfProblems();
        // The last layer and what follows it are all that is not read.
        CHECK(weights.unused().size() == 18);
        const at::Tensor picture = fixture.value("picture");
        CHECK(largestDifference(clipPixels(picture, config.imageSize),
                                fixture.value("pixel_values"),
                                fixture.name + " pixels") <= tolerance().part);
        const at::Tensor tokens = tower.encode(picture);
        REQUIRE(tokens.sizes() == at::IntArrayRef({1, config.tokens(), config.width}));
        CHECK(largestDifference(tokens, fixture.value("tokens"), fixture.name) <= tolerance().part);
    }
}

TEST_CASE("CLIP sees the middle square of a picture, and no more than black and white", "[clip]") {
    at::manual_seed(3);
    for (const auto& [height, width] : {std::pair{60, 100}, {100, 60}}) {
        const at::Tensor picture = at::rand({1, 3, height, width}) * 2 - 1;
        at::Tensor other = picture.clone();
        const int64_t axis = height < width ? 3 : 2;
        other.narrow(axis, 0, 14).fill_(1);
        other.narrow(axis, 86, 14).fill_(-1);
        CHECK(at::equal(clipPixels(picture, 30), clipPixels(other, 30)));
        other.narrow(axis, 0, 26).fill_(1);
        CHECK_FALSE(at::equal(clipPixels(picture, 30), clipPixels(other, 30)));
    }
    const at::Tensor steps = (at::rand({1, 3, 20, 20}) > 0.5).to(at::kFloat) * 2 - 1;
    const at::Tensor seen = clipPixels(steps, 64), black = clipPixels(steps.zero_() - 1, 64),
                     white = clipPixels(steps + 1, 64);
    CHECK((seen >= black - 1e-5).all().item<bool>());
    CHECK((seen <= white + 1e-5).all().item<bool>());
    CHECK(black.min().item<float>() == Approx(-0.48145466 / 0.26862954));
}

TEST_CASE("CLIP configurations that cannot be run are refused, all faults at once", "[clip]") {
    const Config config = Config::parse(
        R"({"hidden_size": 30, "num_attention_heads": 4, "image_size": 224, "patch_size": 15,
            "hidden_act": "swi_glu", "num_channels": 4})",
        "config.json");
    ClipConfig::read(config);
    CHECK(config.problems().size() == 4);
    const Config whole = Config::parse(
        R"({"hidden_size": 1280, "num_attention_heads": 16, "patch_size": 14, "hidden_act": "gelu"})",
        "config.json");
    const ClipConfig clip = ClipConfig::read(whole);
    CHECK(whole.problems().empty());
    CHECK(clip.tokens() == 257);
    CHECK_FALSE(clip.quickGelu);
}
