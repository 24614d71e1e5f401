// Work of the published sizes against the figures in the literature notes (two FLOPs a
// multiplication and addition).
#include <catch2/catch.hpp>

#include "model/description.h"
#include "model/wan/vae_config.h"
#include "model/wan/vae_cost.h"

using namespace derrumbe::model;

namespace {

Description published(int layers, int heads, int ffn, int vaceLayers) {
    Description d;
    d.layers = layers;
    d.heads = heads;
    d.headSize = 128;
    d.ffn = ffn;
    d.vaceLayers = vaceLayers;
    d.vaeCost = vaeCost(VaeConfig::read(Config::parse("{}", "defaults")));
    return d;
}

/// One evaluation as the literature counts it: with all 512 rows of a prompt, of which those that
/// are padding are not computed here.
double withPadding(const Description& d, const Estimate& e) {
    return e.forwardFlops + 4.0 * (512 - 64) * static_cast<double>(e.tokens) * d.heads *
                                d.headSize * (d.layers + d.vaceLayers);
}

}  // namespace

TEST_CASE("FLOPs of the published sizes", "[model][estimate]") {
    const Description small = published(30, 12, 8960, 15), large = published(40, 40, 13824, 8);
    const Estimate sd = estimate(small, 81, 480, 832, 0, 2),
                   hd = estimate(large, 81, 720, 1280, 0, 2);
    CHECK(sd.tokens == 32760);
    CHECK(hd.tokens == 75600);
    CHECK(estimate(small, 81, 480, 832, 1, 2).tokens == 32760 + 1560);
    CHECK(withPadding(small, sd) == Approx(0.427e15).epsilon(0.01));
    CHECK(withPadding(small, estimate(small, 81, 720, 1280, 0, 2)) ==
          Approx(1.88e15).epsilon(0.01));
    CHECK(withPadding(large, estimate(large, 81, 480, 832, 0, 2)) == Approx(2.03e15).epsilon(0.01));
    CHECK(withPadding(large, hd) == Approx(7.86e15).epsilon(0.01));
    // the conditioning encodes two clips
    CHECK(sd.encodeFlops == Approx(2 * 162e12).epsilon(0.05));
    CHECK(sd.decodeFlops == Approx(274e12).epsilon(0.05));
    CHECK(hd.decodeFlops == Approx(632e12).epsilon(0.05));
    // caches of a decode: 3.8 GB at 480p in float32, and the working copies beside them
    CHECK(small.vaeCost.decodeAlive.values * 4 * 480 * 832 > 3.8e9);
    CHECK(small.vaeCost.decodeAlive.values * 4 * 480 * 832 < 6e9);
    // A frame alone where frames are large, four where they are small.
    const auto spent = [&](int height, int width) {
        const double pixels = double{1} * height * width;
        const double weights = 4 * static_cast<double>(small.vaeParameters);
        return (estimate(small, 5, height, width, 0, 2).decodeBytes - weights) / 4 / pixels;
    };
    CHECK(spent(480, 832) < 4'200);
    CHECK(spent(128, 128) > 5'500);
}

TEST_CASE("an image that is seen beside the prompt counts", "[model][estimate]") {
    Description plain = published(40, 40, 13824, 0), seen = plain;
    plain.transformerParameters = 14'300'000'000;
    seen.transformerParameters = 16'394'878'784;
    seen.imageTokens = 257;
    seen.imageParameters = 632'000'000;
    const Estimate without = estimate(plain, 81, 480, 832, 0, 2),
                   with = estimate(seen, 81, 480, 832, 0, 2);
    // Two products of 257 tokens more a block, of the image encoder one pass.
    CHECK(with.forwardFlops - without.forwardFlops ==
          Approx(40 * 4.0 * 257 * with.tokens * 5120).epsilon(1e-6));
    CHECK(with.encodeFlops - without.encodeFlops == Approx(2 * 632e6 * 257).epsilon(1e-3));
    CHECK(with.weightBytes - without.weightBytes ==
          Approx(2 * 2'094'878'784.0 + 4 * 632e6).epsilon(1e-6));
    // Its keys and values stay for all blocks; of blocks that go, those of an image are larger.
    CHECK(with.denoiseBytes - without.denoiseBytes ==
          Approx(2 * 2'094'878'784.0 + 2.0 * 2 * 257 * 40 * 5120).epsilon(1e-6));
    MemoryWays few;
    few.transformerBlocks = 0;
    CHECK(estimate(seen, 81, 480, 832, 0, 2, 0, few).denoiseBytes < with.denoiseBytes - 20e9);
    // A small picture's encoding needs the image encoder's memory, a large one's the VAE's.
    seen.vaeParameters = plain.vaeParameters = 127'000'000;
    CHECK(estimate(seen, 5, 128, 128, 0, 2).encodeBytes > 632e6 * 4);
    CHECK(estimate(plain, 5, 128, 128, 0, 2).encodeBytes < 632e6 * 4);
    CHECK(estimate(seen, 81, 480, 832, 0, 2).encodeBytes ==
          estimate(plain, 81, 480, 832, 0, 2).encodeBytes);
}

TEST_CASE("memory counts one part at a time", "[model][estimate]") {
    Description d = published(30, 12, 8960, 15);
    d.transformerParameters = 2'000'000'000;
    d.vaeParameters = 500'000'000;
    d.textParameters = 100'000'000;
    const Estimate one = estimate(d, 17, 256, 256, 0, 2);
    // The VAE (float32) does not wait beside the transformer for the decoding.
    CHECK(one.denoiseBytes > 2e9 * 2);
    CHECK(one.denoiseBytes < 2e9 * 2 + 0.5e9 * 4);
    CHECK(one.decodeBytes > 0.5e9 * 4);
    CHECK(one.peakBytes == one.heldBytes + one.denoiseBytes);
    // A long clip is held whole, whatever the windows; the transformer's part does not grow.
    const Estimate windows = estimate(d, 17, 256, 256, 0, 2, 1701);
    CHECK(windows.forwardFlops == one.forwardFlops);
    CHECK(windows.decodeFlops == Approx(one.decodeFlops * 1701 / 17));
    CHECK(windows.heldBytes - one.heldBytes > 1684.0 * 256 * 256 * 4 * 4);
    CHECK(windows.peakBytes > one.peakBytes);
}
