#include "model/wan/umt5.h"

#include <catch2/catch.hpp>

#include "fixture.h"
#include "support/error.h"

using namespace derrumbe;
using namespace derrumbe::model;

namespace {

TokenIds idsOf(const Fixture& fixture) {
    const at::Tensor ids = fixture.value("ids").contiguous();
    return {ids.const_data_ptr<int64_t>(), ids.const_data_ptr<int64_t>() + ids.numel()};
}

Umt5Encoder load(const Fixture& fixture, at::ScalarType dtype = at::kFloat) {
    const Umt5Config config = Umt5Config::read(fixture.config);
    fixture.config.throwIfProblems();
    const Weights weights = fixture.weights(dtype);
    Umt5Encoder encoder(weights, config);
    weights.throwIfProblems();
    CHECK(weights.unused().empty());
    return encoder;
}

}  // namespace

TEST_CASE("UMT5 gives the reference's embeddings", "[umt5][parity][device]") {
    const auto fixtures = Fixture::all("umt5_");
    REQUIRE(fixtures.size() >= 3);
    for (const Fixture& fixture : fixtures) {
        INFO(fixture.name);
        const at::Tensor embeddings = load(fixture).encode({idsOf(fixture)}).front();
        CHECK(embeddings.scalar_type() == at::kFloat);
        CHECK(largestDifference(embeddings, fixture.value("embeddings"), fixture.name) <
              tolerance().part);
    }
}

TEST_CASE("UMT5 runs in bfloat16 and float16", "[umt5][device]") {
    const Fixture fixture{std::filesystem::path(DERRUMBE_TEST_DATA) / "umt5_0"};
    const at::Tensor exact = fixture.value("embeddings");
    for (const at::ScalarType dtype : {at::kBFloat16, at::kHalf}) {
        const at::Tensor coarse = load(fixture, dtype).encode({idsOf(fixture)}).front();
        CHECK(coarse.scalar_type() == at::kFloat);
        CHECK((coarse - exact).abs().mean().item<double>() <
              0.05 * exact.abs().mean().item<double>());
    }
}

TEST_CASE("UMT5 buckets: exact near, logarithmic far, edges in float32", "[umt5]") {
    const at::Tensor buckets = umt5Buckets(200, 32, 128);
    const auto at = [&](int64_t query, int64_t key) { return buckets[query][key].item<int64_t>(); };
    CHECK(at(5, 5) == 0);
    CHECK(at(5, 4) == 1);
    CHECK(at(5, 6) == 17);
    CHECK(at(7, 0) == 7);
    CHECK(at(8, 0) == 8);
    CHECK(at(11, 0) == 8);
    CHECK(at(12, 0) == 9);
    CHECK(at(127, 0) == 15);
    CHECK(at(199, 0) == 15);
    CHECK(at(0, 199) == 31);
    // distances 16, 32, 64 are exactly on an edge: 8 ln(2^k) / ln(16) = 2k, whatever the rounding
    // of the reference makes of it (checked against it by the 200-token fixture)
    CHECK(at(64, 0) >= 13);
}

TEST_CASE("UMT5 refuses ids outside the vocabulary and other feed-forwards", "[umt5]") {
    const Fixture fixture{std::filesystem::path(DERRUMBE_TEST_DATA) / "umt5_0"};
    const Umt5Encoder encoder = load(fixture);
    CHECK_THROWS_AS(encoder.encode({{3, 60, 1}}), Error);
    CHECK_THROWS_AS(encoder.encode({{3, 1}, {-1}}), Error);
    CHECK_THROWS_AS(encoder.encode({TokenIds{}}), Error);
    const Config relu = Config::parse(R"({"feed_forward_proj": "relu"})", "config.json");
    Umt5Config::read(relu);
    CHECK(relu.problems().size() == 1);
}
