// Products in 8 bits, against float64 products of the numbers that they round to, and of those that
// were rounded.
#include "model/layers/byte_product.h"

#include <catch2/catch.hpp>

#include "../test_device.h"
#include "model/layers/linear.h"
#include "model/weights/rounded.h"
#include "model/weights/scaled_fp8.h"

using namespace derrumbe;
using namespace derrumbe::model;

namespace {

at::Tensor valuesOf(const ByteRows& rows) {
    return rows.numbers.to(at::kCPU).to(at::kDouble) * rows.factors.to(at::kCPU).to(at::kDouble);
}

/// As a root mean square of `exact`'s.
double relativeError(const at::Tensor& near, const at::Tensor& exact, const char* what) {
    const at::Tensor wide = near.to(at::kCPU).to(at::kDouble);
    const double error = ((wide - exact).norm() / exact.norm()).item<double>();
    if (std::getenv("DERRUMBE_PRINT_ERRORS") != nullptr)
        WARN(what << ": relative error " << error << " on " << testDevice());
    return error;
}

bool any(const std::string& /*name*/) {
    return true;
}

std::shared_ptr<const TensorSource> fileOf(std::map<std::string, at::Tensor> tensors) {
    return memorySource(std::move(tensors));
}

Weights weightsOf(const std::shared_ptr<const TensorSource>& source, at::ScalarType dtype,
                  Rounding kind = Rounding::Fp8) {
    return Weights(source, testDevice(), dtype).keepingPacked().withProducts(kind);
}

/// A layer whose weights are rounded when they are loaded.
Linear roundedLinear(const at::Tensor& weight, const at::Tensor& bias, at::ScalarType dtype,
                     Rounding kind) {
    const auto source = fileOf({{"weight", weight}, {"bias", bias}});
    return {weightsOf(rounded(source, kind, any), dtype, kind), weight.size(1), weight.size(0)};
}

}  // namespace

TEST_CASE("products in 8 bits are those of the rounded numbers", "[bytes][device]") {
    at::manual_seed(1);
    const at::Tensor x = at::randn({2, 37, 256}), weight = at::randn({96, 256}) / 16,
                     bias = at::randn({96});
    const at::Tensor wide = at::linear(x.to(at::kDouble), weight.to(at::kDouble));
    // Two roundings by 2.6 % each, as root mean squares, add up to 3.7 %. Whole numbers: the
    // greatest of 256 normal numbers is some 3 deviations, a step 3 / 127, rounding off by
    // that over the root of 12, two of them by 1 %.
    for (const auto& [kind, least, most] :
         {std::tuple{Rounding::Fp8, 0.03, 0.042}, {Rounding::Int8, 0.006, 0.012}})
        for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16, at::kHalf}) {
            const bool whole = kind == Rounding::Int8;
            CAPTURE(dtype, whole);
            const at::Tensor given = x.to(testDevice(), dtype), added = bias.to(dtype);
            const Linear linear = roundedLinear(weight, added, dtype, kind);
            REQUIRE(linear.multipliesBytes());
            const at::Tensor y = linear(given);
            CHECK(y.sizes() == wide.sizes());
            CHECK(y.scalar_type() == dtype);
            const at::Tensor rounded = at::matmul(valuesOf(byteRows(given, kind)).view(x.sizes()),
                                                  linear.weight().to(at::kCPU).to(at::kDouble).t());
            // Sums in float32, of float8 on a card in less, and results in bfloat16 there.
            const bool fine = dtype == at::kFloat && (whole || testDevice().is_cpu());
            CHECK(relativeError(y, rounded + added.to(at::kDouble), "of the rounded numbers") <
                  (fine ? 1e-6 : 6e-3));
            const at::Tensor bare = y.to(at::kCPU).to(at::kDouble) - added.to(at::kDouble);
            const double error = relativeError(bare, wide, "of the numbers");
            CHECK(error < most);
            CHECK(error > (dtype == at::kBFloat16 ? least / 2 : least));
            const at::Tensor gelu = linear(given, Finish::Gelu);
            CHECK(gelu.scalar_type() == dtype);
            CHECK(relativeError(gelu, at::gelu(rounded + added.to(at::kDouble), "tanh"), "GELU") <
                  (fine ? 1e-4 : 1e-2));
        }
}

TEST_CASE("int8 products are exact sums, of many rows and of few", "[bytes][device]") {
    at::manual_seed(5);
    const auto numbers = [](int64_t rows) {
        return at::randint(-127, 128, {rows, 1024}, at::kChar).to(testDevice());
    };
    const ByteRows weight{numbers(4096), at::ones({4096, 1}).to(testDevice())};
    for (const int64_t count : {1, 7, 2500}) {  // more than are summed at once
        CAPTURE(count);
        const ByteRows x{numbers(count), at::ones({count, 1}).to(testDevice())};
        const at::Tensor exact = valuesOf(x).matmul(valuesOf(weight).t());
        const at::Tensor y = byteProduct(x, weight, {}, at::kFloat).to(at::kCPU);
        CHECK(at::equal(y.to(at::kDouble), exact));
    }
}

TEST_CASE("rows of zeros, of tiny and of huge numbers are rounded by themselves",
          "[bytes][device]") {
    at::manual_seed(2);
    at::Tensor x = at::randn({6, 64});
    x[1].zero_();
    x[2][5] = 3e5;
    x[3].mul_(1e30);
    x[4].mul_(1e-30);
    x[5].mul_(1e-44);  // steps of less than a float32 has
    const at::Tensor exact = x.to(at::kDouble), most = exact.abs().amax({1}, true);
    for (const Rounding kind : {Rounding::Fp8, Rounding::Int8}) {
        const bool whole = kind == Rounding::Int8;
        CAPTURE(whole);
        const ByteRows rows = byteRows(x.to(testDevice()), kind);
        const at::Tensor values = valuesOf(rows);
        CHECK(values.isfinite().all().item<bool>());
        CHECK(values[1].eq(0).all().item<bool>());
        CHECK(rows.factors.gt(0).all().item<bool>());
        // Half a step; of float8 half a unit of the last of three bits, or of the smallest number.
        const at::Tensor allowed =
            (whole ? (most / 254).expand_as(exact) : at::max(exact.abs() / 16, most / 448 / 1024)) *
            1.0001;
        CHECK(((values - exact).abs() <= allowed).narrow(0, 0, 5).all().item<bool>());
        CHECK(values[5].abs().max().item<double>() < 1e-36);
        const ByteRows ones{at::ones({16, 64}).to(rows.numbers.options()),
                            at::ones({16, 1}).to(testDevice())};
        const at::Tensor sums = byteProduct(rows, ones, {}, at::kBFloat16);
        CHECK(sums.isfinite().all().item<bool>());
        CHECK(sums[1].eq(0).all().item<bool>());
        // What is not a number is not hidden, and stays in its row.
        at::Tensor broken = at::randn({3, 64});
        broken[1][7] = std::nan("");
        const at::Tensor told =
            byteProduct(byteRows(broken.to(testDevice()), kind), ones, {}, at::kFloat);
        CHECK(told[1].isnan().all().item<bool>());
        CHECK(told[0].isfinite().all().item<bool>());
    }
}

TEST_CASE("float8 files are multiplied with the scales that they have", "[bytes][device]") {
    at::manual_seed(3);
    const at::Tensor eight = at::randn({32, 64}).to(at::kFloat8_e4m3fn);
    const auto linear = [&](const at::Tensor& scale) {
        const auto file = withScales(fileOf({{"weight", eight}, {"scale_weight", scale}}));
        return Linear(weightsOf(file, at::kFloat), 64, 32, false);
    };
    const at::Tensor x = at::randn({5, 64}).to(testDevice());
    const at::Tensor given = valuesOf(byteRows(x, Rounding::Fp8));
    for (const at::Tensor& scale : {at::full({}, 0.3), at::rand({32}), at::rand({32, 1})}) {
        const Linear rows = linear(scale);
        REQUIRE(rows.multipliesBytes());
        const at::Tensor weight =
            eight.to(at::kDouble) * (scale.dim() == 0 ? scale : scale.view({32, 1}));
        CHECK(relativeError(rows(x), given.matmul(weight.t()), "of a file's numbers") <
              sameProducts(1e-6, 6e-3));
    }
    // Without scales, as some files are; and those that have more than one a row.
    CHECK(Linear(weightsOf(fileOf({{"weight", eight}}), at::kFloat), 64, 32, false)
              .multipliesBytes());
    CHECK_FALSE(linear(at::rand({32, 4, 1})).multipliesBytes());
}

TEST_CASE("what units for 8 bits cannot take is multiplied as ever", "[bytes][device]") {
    at::manual_seed(4);
    const auto made = [](int64_t out, int64_t in) {
        return roundedLinear(at::randn({out, in}), at::randn({out}), at::kFloat, Rounding::Fp8);
    };
    CHECK(made(32, 48).multipliesBytes());
    for (const auto& [out, in] : {std::pair{32, 40}, {24, 48}}) {
        const Linear linear = made(out, in);
        CHECK_FALSE(linear.multipliesBytes());
        const at::Tensor x = at::randn({3, in}).to(testDevice());
        CHECK(at::equal(linear(x), at::linear(x, linear.weight(), linear.bias)));
    }
    const auto five = fileOf({{"weight", at::randn({32, 48}).to(at::kFloat8_e5m2)}});
    CHECK_FALSE(Linear(weightsOf(five, at::kFloat), 48, 32, false).multipliesBytes());
    CHECK_FALSE(  // float8 where whole numbers are asked for
        Linear(weightsOf(fileOf({{"weight", at::randn({32, 48}).to(at::kFloat8_e4m3fn)}}),
                         at::kFloat, Rounding::Int8),
               48, 32, false)
            .multipliesBytes());
    const auto whole = fileOf({{"weight", at::randn({32, 48})}});
    CHECK_FALSE(Linear(weightsOf(whole, at::kFloat), 48, 32, false).multipliesBytes());
}

TEST_CASE("a device without products in 8 bits is refused with what helps", "[bytes][device]") {
    for (const Rounding kind : {Rounding::Fp8, Rounding::Int8}) {
        CHECK_NOTHROW(requireByteProducts(testDevice(), kind));
        try {
            requireByteProducts(at::kMeta, kind);  // computes nothing
            FAIL("was accepted");
        } catch (const Error& error) {
            CHECK(error.code() == ExitCode::Usage);
            CHECK_THAT(error.what(), Catch::Matchers::Contains("use model.products=auto"));
        }
    }
}
