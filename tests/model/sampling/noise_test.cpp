#include <ATen/Parallel.h>

#include <catch2/catch.hpp>

#include "model/sampling/sampler.h"
#include "support/philox.h"

using namespace derrumbe;
using namespace derrumbe::model;

TEST_CASE("Philox gives the published answers", "[sampling][noise]") {
    // Random123 kat_vectors, philox4x32 10
    CHECK(philox({0, 0, 0, 0}, {0, 0}) == Philox4{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
    CHECK(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
          Philox4{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
    CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
          Philox4{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("noise is standard normal", "[sampling][noise]") {
    const at::Tensor noise = counterNoise(42, 0, 16, 5, 60, 104).to(at::kDouble).flatten();
    const double n = static_cast<double>(noise.numel());  // 499,200
    CHECK(std::abs(noise.mean().item<double>()) < 4 / std::sqrt(n));
    CHECK(std::abs(noise.square().mean().item<double>() - 1) < 4 * std::sqrt(2 / n));
    CHECK(std::abs(noise.pow(3).mean().item<double>()) < 4 * std::sqrt(15 / n));
    CHECK(std::abs(noise.pow(4).mean().item<double>() - 3) < 4 * std::sqrt(96 / n));
    CHECK(noise.isfinite().all().item<bool>());
    // shares beyond 1, 2 and 3 sigma
    for (const auto& [limit, share] :
         {std::pair(1.0, 0.317311), {2.0, 0.0455003}, {3.0, 0.0026998}})
        CHECK(noise.abs().gt(limit).to(at::kDouble).mean().item<double>() ==
              Approx(share).margin(4 * std::sqrt(share / n)));
}

TEST_CASE("neighbouring values, frames, channels and seeds are uncorrelated", "[sampling][noise]") {
    const at::Tensor a = counterNoise(7, 0, 4, 4, 64, 64);
    const auto correlation = [](const at::Tensor& x, const at::Tensor& y) {
        return std::abs((x * y).mean().item<double>()) * std::sqrt(static_cast<double>(x.numel()));
    };
    for (int dim = 1; dim <= 4; ++dim) {
        INFO("dimension " << dim);
        const int64_t size = a.size(dim);
        CHECK(correlation(a.narrow(dim, 0, size - 1), a.narrow(dim, 1, size - 1)) < 4);
    }
    CHECK(correlation(a, counterNoise(8, 0, 4, 4, 64, 64)) < 4);
    CHECK(correlation(a, counterNoise(7 + (std::uint64_t{1} << 32), 0, 4, 4, 64, 64)) < 4);
}

TEST_CASE("a value depends on its place alone", "[sampling][noise]") {
    const at::Tensor whole = counterNoise(99, -2, 3, 9, 8, 10);
    const at::Tensor window = counterNoise(99, 1, 3, 4, 8, 10);
    CHECK(at::equal(whole.narrow(2, 3, 4), window));
    const at::Tensor references = counterNoise(99, -2, 3, 2, 8, 10);
    CHECK(at::equal(whole.narrow(2, 0, 2), references));
    CHECK(at::equal(whole.narrow(1, 0, 2), counterNoise(99, -2, 2, 9, 8, 10)));
    const at::Tensor smaller = counterNoise(99, -2, 3, 9, 5, 7);
    CHECK(at::equal(whole.narrow(3, 0, 5).narrow(4, 0, 7), smaller));
    const int threads = at::get_num_threads();
    at::set_num_threads(1);
    CHECK(at::equal(whole, counterNoise(99, -2, 3, 9, 8, 10)));
    at::set_num_threads(threads);
    CHECK_FALSE(at::equal(whole, counterNoise(100, -2, 3, 9, 8, 10)));
}

TEST_CASE("the noise of a seed never changes", "[sampling][noise]") {
    // A shot rendered again in years must start from the same noise.
    const at::Tensor noise = counterNoise(42, 0, 1, 1, 1, 4).flatten();
    const float expected[] = {0.8864975f, -0.1566096f, -0.4941005f, -0.6798917f};
    for (int i = 0; i < 4; ++i) CHECK(noise[i].item<float>() == Approx(expected[i]).margin(1e-6));
}
