#include "model/layers/rows/row_operations.h"

#include "../test_device.h"
#include "model/layers/norm.h"
#include "model/layers/rope.h"

using namespace derrumbe;

namespace {

/// Tokens [2, L, d] as a block sees a part of them: with other tokens between the batch's two.
at::Tensor part(int64_t length, int64_t width, at::ScalarType type) {
    at::manual_seed(length + width);
    const at::Tensor all = 2 * at::randn({2, length + 3, width}, at::kDouble) + 0.5;
    return all.to(at::TensorOptions(type).device(testDevice())).narrow(1, 2, length);
}

at::Tensor vector(int64_t width) {
    return at::randn({width}, at::TensorOptions(at::kFloat)).to(testDevice());
}

at::Tensor wide(const at::Tensor& x) {
    return x.to(at::kCPU).to(x.is_complex() ? at::kComplexDouble : at::kDouble);
}

/// The greatest error, as a share of the greatest value, over that of rounding to the type.
double roundings(const at::Tensor& made, const at::Tensor& exact) {
    const double unit = made.scalar_type() == at::kFloat  ? 0x1p-22
                        : made.scalar_type() == at::kHalf ? 0x1p-11
                                                          : 0x1p-8;
    REQUIRE(made.sizes() == exact.sizes());
    const at::Tensor error = (wide(made) - exact).abs() / (exact.abs() + 1);
    return error.max().item<double>() / unit;
}

constexpr double kEps = 1e-6;
const std::vector<std::pair<int64_t, int64_t>> kSizes{{1, 8},    {5, 40},   {7, 256},
                                                      {3, 1536}, {2, 5120}, {2, 8192}};

}  // namespace

TEST_CASE("layer norm of a part of the tokens is that of float64, rounded once", "[device]") {
    for (const at::ScalarType type : {at::kFloat, at::kHalf, at::kBFloat16})
        for (const auto& [length, width] : kSizes) {
            const at::Tensor x = part(length, width, type), w = vector(width), b = vector(width);
            const at::Tensor normed = at::layer_norm(wide(x), {width}, {}, {}, kEps);
            INFO(type << " " << length << " x " << width);
            CHECK(roundings(model::layerNorm32(x, w, b, kEps), normed * wide(w) + wide(b)) < 2);
            CHECK(roundings(model::layerNorm32(x, {}, {}, kEps), normed) < 2);
        }
}

TEST_CASE("rotation, norm and gated sum of rows are those of float64, rounded once", "[device]") {
    if (!model::rows::able(part(1, 8, at::kFloat))) return;  // a build for cards without kernels
    const bool card = testDevice().is_cuda();
    for (const at::ScalarType type : {at::kFloat, at::kHalf, at::kBFloat16}) {
        if (!card && type == at::kHalf) continue;
        for (const auto& [length, width] : kSizes)
            for (const int64_t heads : {int64_t{1}, width / 8}) {
                INFO(type << " " << length << " x " << width << ", " << heads << " heads");
                const at::Tensor x = part(length, width, type), gain = vector(width);
                const at::Tensor table =
                    at::polar(at::rand({length, width / heads / 2}, at::kFloat) + 0.5,
                              6 * at::rand({length, width / heads / 2}, at::kFloat))
                        .to(testDevice());
                const at::Tensor exact =
                    wide(x) / (wide(x).square().mean(-1, true) + kEps).sqrt() * wide(gain);
                const at::Tensor turned =
                    at::view_as_real(
                        at::view_as_complex(exact.view({2, length, heads, width / heads / 2, 2})) *
                        wide(table).unsqueeze(1))
                        .flatten(-2);
                REQUIRE(model::rows::ableToRotate(x, heads));
                CHECK(roundings(model::rows::rmsRotate(x, gain, table, heads, kEps), turned) < 2);

                const at::Tensor y = part(length, width, type).contiguous() / 3;
                const at::Tensor sum = wide(x) + wide(y) * wide(gain);
                model::rows::addGated(x, y, gain);
                CHECK(roundings(x, sum) < 2);
                const at::Tensor raw = wide(y);
                model::rows::rmsNormalise(y, kEps);
                CHECK(roundings(y, raw / (raw.square().mean(-1, true) + kEps).sqrt()) < 2);
            }
    }
    CHECK(model::rows::able(part(2, 12, at::kFloat)) == !card);
    CHECK_FALSE(model::rows::able(part(2, 16, at::kFloat).narrow(2, 0, 8)));
    CHECK_FALSE(model::rows::ableToRotate(part(2, 16, at::kFloat), card ? 4 : 16));
}
