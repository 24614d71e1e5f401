#include "model/wan/vae.h"

#include <catch2/catch.hpp>

#include "fixture.h"
#include "model/layers/causal_conv3d.h"
#include "model/wan/vae_tiles.h"
#include "support/error.h"
#include "support/processor.h"

using namespace derrumbe;
using namespace derrumbe::model;

namespace {

at::Tensor perChannel(const std::vector<double>& values) {
    return at::tensor(at::ArrayRef<double>(values)).to(at::kFloat).view({1, -1, 1, 1, 1});
}

struct Loaded {
    VaeConfig config;
    std::unique_ptr<WanVae> vae;

    explicit Loaded(const Fixture& fixture, VaeChunks chunks = {},
                    at::ScalarType dtype = at::kFloat,
                    std::optional<at::ScalarType> convolutions = {})
        : config(VaeConfig::read(fixture.config)) {
        fixture.config.throwIfProblems();
        const Weights weights = fixture.weights(dtype);
        vae = std::make_unique<WanVae>(weights, config, chunks, convolutions);
        weights.throwIfProblems();
        CHECK(weights.unused().empty());
    }
    /// The fixture's latents (the distribution's mean) as the model uses them.
    at::Tensor normalised(const at::Tensor& mean) const {
        return (mean - perChannel(config.latentMean)) / perChannel(config.latentStd);
    }
};

Config settings(const std::string& text) {
    return Config::parse(text, "config.json");
}

}  // namespace

TEST_CASE("VAE encodes and decodes as the reference, both forms", "[vae][parity][device]") {
    const auto fixtures = Fixture::all("vae_");
    REQUIRE(fixtures.size() >= 8);
    for (const Fixture& fixture : fixtures) {
        INFO(fixture.name);
        const Loaded loaded(fixture);
        const at::Tensor video = fixture.floats("video");
        const at::Tensor expected = loaded.normalised(fixture.value("latents"));
        double done = 0, total = 0;
        const Tick tick = [&](double d, double t) {
            CHECK(d > done);
            done = d, total = t;
        };
        const at::Tensor latents = loaded.vae->encode(video, tick);
        CHECK(done == total);
        CHECK(latents.scalar_type() == at::kFloat);
        CHECK(latents.size(2) == loaded.config.latentFrames(video.size(2)));
        CHECK(largestDifference(latents, expected, fixture.name + " latents") < tolerance().part);
        done = 0;
        const at::Tensor decoded = loaded.vae->decode(expected, tick);
        CHECK(done == total);
        CHECK(decoded.size(2) == loaded.config.frames(latents.size(2)));
        CHECK(largestDifference(decoded, fixture.value("decoded"), fixture.name + " decoded") <
              tolerance().part);
    }
}

TEST_CASE("VAE chunks of any size give the same result", "[vae]") {
    for (const std::string name : {"vae_0", "vae_3", "vae_4", "vae_6"}) {
        INFO(name);
        const Fixture fixture{std::filesystem::path(DERRUMBE_TEST_DATA) / name};
        const at::Tensor video = fixture.floats("video");
        const Loaded one(fixture);
        const at::Tensor latents = one.vae->encode(video), decoded = one.vae->decode(latents);
        // A frame at a time where layers do not change their number; two of them.
        const int64_t frame = video.size(3) * video.size(4) / one.config.patch / one.config.patch;
        for (const VaeChunks& chunks : {VaeChunks{2, 2},
                                        {3, 3},
                                        {16, 16},
                                        {1, 1, 0, 0, 1},
                                        {1, 1, 0, 0, 2 * frame * one.config.decoderBaseDim},
                                        {3, 2, 0, 0, 1}}) {
            CAPTURE(chunks.encodeGroups, chunks.numbersAtOnce);
            const Loaded other(fixture, chunks);
            CHECK(largestDifference(other.vae->encode(video), latents) < 2e-5);
            CHECK(largestDifference(other.vae->decode(latents), decoded) < 2e-5);
        }
    }
}

TEST_CASE("VAE remembers the last frames only, however long the clip", "[vae]") {
    for (const std::string name : {"vae_0", "vae_4"}) {
        INFO(name);
        const Fixture fixture{std::filesystem::path(DERRUMBE_TEST_DATA) / name};
        const VaeConfig config = VaeConfig::read(fixture.config);
        const VaeEncoder encoder(fixture.weights(), config);
        const VaeDecoder decoder(fixture.weights(), config);
        // What works at the latents' resolution has caches of its own.
        VaeCache encoding, means, features, decoding;
        int64_t encodingBytes = 0, decodingBytes = 0;
        for (int chunk = 0; chunk < 6; ++chunk) {
            const at::Tensor pixels =
                at::randn({chunk == 0 ? 1 : 4, 16, 16, config.inChannels}, at::kFloat);
            const at::Tensor latents = encoder.means(encoder.features(pixels, encoding), means);
            CHECK(latents.size(0) == 1);
            CHECK(decoder.pixels(decoder.features(latents, features), decoding).size(0) ==
                  (chunk == 0 ? 1 : 4));
            const int64_t encoded = encoding.bytes() + means.bytes(),
                          decoded = decoding.bytes() + features.bytes();
            if (chunk == 0) {
                encodingBytes = encoded;
                decodingBytes = decoded;
            }
            CHECK(encoded == encodingBytes);
            CHECK(decoded == decodingBytes);
        }
        encoding.rewind();
        for (size_t slot = 0; slot < encoding.slots(); ++slot) CHECK(encoding.next().size(0) <= 2);
        // conv_in, two a block in three stages, two that halve time, four in the middle, conv_out
        CHECK(encoding.slots() + means.slots() ==
              size_t(1 + 3 * 2 * config.residualBlocks + 2 + 4 + 1));
    }
}

TEST_CASE("VAE in tiles gives the whole picture's result to rounding", "[vae][tiles][device]") {
    for (const Fixture& fixture : Fixture::all("vae_")) {
        INFO(fixture.name);
        const Loaded one(fixture);
        const int64_t scale = one.vae->config().spatialScale();
        at::manual_seed(3);
        // Larger than the margins by far, and no multiple of the tiles.
        const at::Tensor video = at::rand({1, 3, 9, 23 * scale, 31 * scale}) * 2 - 1;
        const at::Tensor latents = one.vae->encode(video), decoded = one.vae->decode(latents);
        for (const int64_t side : {4, 9, 30}) {
            CAPTURE(side);
            VaeChunks chunks;
            chunks.encodeTile = chunks.decodeTile = side;
            const Loaded tiled(fixture, chunks);
            double last = 0;
            const Tick tick = [&](double done, double total) {
                CHECK(done / total > last);
                last = done / total;
            };
            const double allowed = sameProducts(2e-5, 5e-4);
            CHECK(largestDifference(tiled.vae->encode(video, tick), latents) < allowed);
            CHECK(last == 1);
            last = 0;
            CHECK(largestDifference(tiled.vae->decode(latents, tick), decoded) < allowed);
            CHECK(last == 1);
        }
    }
}

TEST_CASE("tiles cover the picture once, with margins inside it", "[vae][tiles]") {
    for (const int64_t side : {0, 1, 5, 8, 100}) {
        at::Tensor seen = at::zeros({17, 30}, at::kInt);
        for (const VaeTile& tile : vaeTiles(17, 30, side, 3)) {
            seen.narrow(0, tile.y, tile.height).narrow(1, tile.x, tile.width).add_(1);
            CHECK((side == 0 || std::max(tile.height, tile.width) <= side));
            CHECK(tile.outerY == std::max<int64_t>(0, tile.y - 3));
            CHECK(tile.outerX + tile.outerWidth == std::min<int64_t>(30, tile.x + tile.width + 3));
        }
        CHECK(at::equal(seen, at::ones_like(seen)));
    }
    // Of the published VAE: 36 and 50 pixels.
    const VaeConfig published = VaeConfig::read(Config::parse("{}", "defaults"));
    CHECK(encodeMargin(published) == 5);
    CHECK(decodeMargin(published) == 7);
}

TEST_CASE("VAE is causal: later frames change no earlier latent", "[vae]") {
    const Fixture fixture{std::filesystem::path(DERRUMBE_TEST_DATA) / "vae_4"};
    const Loaded loaded(fixture);
    const at::Tensor video = fixture.floats("video");
    const at::Tensor whole = loaded.vae->encode(video);
    const at::Tensor part = loaded.vae->encode(video.narrow(2, 0, 9));
    CHECK(at::equal(whole.narrow(2, 0, 3), part));
    CHECK(at::equal(loaded.vae->decode(whole).narrow(2, 0, 9), loaded.vae->decode(part)));
}

TEST_CASE("VAE gives a clip of zeros the same latents every time", "[vae]") {
    const Fixture fixture{std::filesystem::path(DERRUMBE_TEST_DATA) / "vae_4"};
    const Loaded loaded(fixture), fresh(fixture);
    const at::Tensor grey = at::zeros({1, 3, 9, 32, 16}), longer = at::zeros({1, 3, 13, 32, 16});
    const at::Tensor first = loaded.vae->encode(grey);
    at::Tensor second = loaded.vae->encode(grey);
    CHECK(at::equal(first, second));
    second.zero_();  // the caller's own: what is remembered must not change with it
    CHECK(at::equal(loaded.vae->encode(grey), first));
    CHECK(at::equal(loaded.vae->encode(longer), fresh.vae->encode(longer)));
    // almost zero is not zero
    at::Tensor dot = grey.clone();
    dot[0][1][0][8][8] = 0.5;
    CHECK(largestDifference(loaded.vae->encode(dot), first) > 1e-4);
}

TEST_CASE("VAE runs in bfloat16 close to float32", "[vae][device]") {
    for (const std::string name : {"vae_0", "vae_4", "vae_5"}) {
        INFO(name);
        const Fixture fixture{std::filesystem::path(DERRUMBE_TEST_DATA) / name};
        const Loaded exact(fixture), coarse(fixture, {}, at::kBFloat16);
        const at::Tensor video = fixture.floats("video");
        const at::Tensor latents = exact.vae->encode(video);
        const at::Tensor half = coarse.vae->encode(video);
        CHECK(half.scalar_type() == at::kFloat);
        CHECK((half - latents).abs().mean().item<double>() <
              0.03 * latents.abs().mean().item<double>());
        const at::Tensor decoded = coarse.vae->decode(latents);
        CHECK(decoded.scalar_type() == at::kFloat);
        CHECK((decoded - exact.vae->decode(latents)).abs().mean().item<double>() < 0.03);
    }
}

TEST_CASE("VAE with convolutions of bfloat16 stays close to float32, in chunks of any size",
          "[vae][device]") {
    for (const std::string name : {"vae_0", "vae_4", "vae_5"}) {
        INFO(name);
        const Fixture fixture{std::filesystem::path(DERRUMBE_TEST_DATA) / name};
        const Loaded exact(fixture), mixed(fixture, {}, at::kFloat, at::kBFloat16),
            pieces(fixture, {2, 3, 0, 0, 1}, at::kFloat, at::kBFloat16);
        const at::Tensor video = fixture.floats("video"), latents = exact.vae->encode(video);
        for (const bool decodes : {false, true}) {
            CAPTURE(decodes);
            const auto run = [&](const Loaded& loaded) {
                return decodes ? loaded.vae->decode(latents) : loaded.vae->encode(video);
            };
            const at::Tensor wanted = run(exact), made = run(mixed);
            const auto error = [&](const at::Tensor& is) {
                return ((is - wanted).norm() / wanted.norm()).item<double>();
            };
            CHECK(made.scalar_type() == at::kFloat);
            CHECK(error(made) > 1e-5);
            CHECK(error(made) < 0.02);
            CHECK(((run(pieces) - made).norm() / wanted.norm()).item<double>() < 1e-4);
        }
    }
}

TEST_CASE("convolutions of bfloat16 are asked of a processor that has them", "[vae]") {
    if (bfloat16Products() == Bfloat16Products::None)
        CHECK_THROWS_WITH(requireBfloat16Convolutions(at::kCPU),
                          Catch::Contains("use float32") && Catch::Contains("AVX-512 BF16"));
    else
        CHECK_NOTHROW(requireBfloat16Convolutions(at::kCPU));
}

TEST_CASE("VAE refuses shapes that cannot be", "[vae]") {
    const Fixture fixture{std::filesystem::path(DERRUMBE_TEST_DATA) / "vae_4"};
    const Loaded loaded(fixture);
    CHECK_THROWS_AS(loaded.vae->encode(at::zeros({1, 3, 5, 30, 32})), Error);
    CHECK_THROWS_AS(loaded.vae->encode(at::zeros({1, 4, 5, 32, 32})), Error);
    CHECK_THROWS_AS(loaded.vae->encode(at::zeros({2, 3, 5, 32, 32})), Error);
    CHECK_THROWS_AS(loaded.vae->decode(at::zeros({1, 5, 2, 4, 4})), Error);
    // a tick that throws (an interrupt) ends the work
    const Tick stop = [](double, double) { throw Error(ExitCode::Interrupted, "stop"); };
    CHECK_THROWS_AS(loaded.vae->encode(fixture.floats("video"), stop), Error);
}

TEST_CASE("VAE configuration: defaults, scales and problems", "[vae][config]") {
    const VaeConfig published = VaeConfig::read(settings("{}"));
    CHECK(published.spatialScale() == 8);
    CHECK(published.temporalScale() == 4);
    CHECK(published.latentFrames(81) == 21);
    CHECK(published.frames(21) == 81);
    CHECK(published.decoderBaseDim == 96);
    CHECK(published.latentMean.size() == 16);
    CHECK_FALSE(published.residual);

    const auto problems = [](const std::string& text) {
        const Config config = settings(text);
        VaeConfig::read(config);
        return config.problems().size();
    };
    CHECK(problems("{}") == 0);
    CHECK(problems(R"({"patch_size": null, "decoder_base_dim": null, "made_up": 3})") == 0);
    CHECK(problems(R"({"z_dim": 8})") == 1);                                 // statistics of 16
    CHECK(problems(R"({"patch_size": 2})") == 1);                            // in_channels 3
    CHECK(problems(R"({"dim_mult": []})") == 1);                             // no stage
    CHECK(problems(R"({"dim_mult": [1, 2]})") == 1);                         // three time flags
    CHECK(problems(R"({"temperal_downsample": [true, true, true]})") == 1);  // 8 frames a latent
    CHECK(problems(R"({"attn_scales": [0.5]})") == 1);
    CHECK(problems(R"({"is_residual": true, "base_dim": 3, "dim_mult": [1, 5, 4, 4]})") >= 1);
    CHECK(problems(R"({"base_dim": 5, "dim_mult": [1, 1, 2, 2]})") == 1);  // 5 channels halved
}

TEST_CASE("VAE reports every tensor that does not fit", "[vae]") {
    const Fixture fixture{std::filesystem::path(DERRUMBE_TEST_DATA) / "vae_4"};
    VaeConfig config = VaeConfig::read(fixture.config);
    config.decoderBaseDim *= 2;
    const Weights weights = fixture.weights();
    const WanVae vae(weights, config);
    CHECK(weights.problems().size() > 20);
    CHECK_THROWS_AS(weights.throwIfProblems(), Error);
}
