#include <catch2/catch.hpp>
#include <cmath>

#include "model/layers/attention.h"
#include "model/layers/linear.h"
#include "model/layers/norm.h"
#include "model/layers/rope.h"
#include "support/processor.h"

using namespace derrumbe;
using namespace derrumbe::model;

TEST_CASE("rotary tables hold each token's angles", "[layers]") {
    // head size 16: 2 * (16 / 6) = 4 channels for rows and columns, 8 for time
    const at::Tensor table = ropeTable(16, {3, 2, 5});
    REQUIRE(table.sizes() == at::IntArrayRef({30, 8}));
    const int t = 2, y = 1, x = 3;
    const at::Tensor row = at::view_as_real(table[(t * 2 + y) * 5 + x]);
    const double angles[] = {t * 1.0, t * 0.1,  t * 0.01, t * 0.001,
                             y * 1.0, y * 0.01, x * 1.0,  x * 0.01};
    for (int k = 0; k < 8; ++k) {
        CHECK(row[k][0].item<float>() == Approx(std::cos(angles[k])).margin(1e-7));
        CHECK(row[k][1].item<float>() == Approx(std::sin(angles[k])).margin(1e-7));
    }
    CHECK_THROWS_AS(ropeTable(16, {1025, 1, 1}), Error);
    CHECK_NOTHROW(ropeTable(16, {1024, 1, 1}));
}

TEST_CASE("rotation turns neighbouring channels and keeps their length", "[layers]") {
    const at::Tensor table = ropeTable(8, {4, 3, 3});
    const at::Tensor x = at::randn({2, 36, 3 * 8});
    const at::Tensor out = rotate(x, 3, table, {}, at::kFloat);
    REQUIRE(out.sizes() == at::IntArrayRef({2, 36, 3, 8}));
    const at::Tensor before = x.view({2, 36, 3, 4, 2}).norm(2, -1);
    CHECK(at::allclose(out.view({2, 36, 3, 4, 2}).norm(2, -1), before, 1e-5, 1e-6));
    CHECK(at::equal(out.select(1, 0), x.select(1, 0).view({2, 3, 8})));  // the origin stays
    const at::Tensor angles = at::view_as_real(table);
    const float a = x[1][17][9].item<float>(), b = x[1][17][8].item<float>();
    const float c = angles[17][0][0].item<float>(), s = angles[17][0][1].item<float>();
    CHECK(out[1][17][1][0].item<float>() == Approx(b * c - a * s).margin(1e-6));
    CHECK(out[1][17][1][1].item<float>() == Approx(b * s + a * c).margin(1e-6));
    const at::Tensor factor = at::rand({2, 36, 1});
    CHECK(at::allclose(rotate(x, 3, table, factor, at::kFloat), out * factor.unsqueeze(-1), 1e-5,
                       1e-6));
}

TEST_CASE("norms agree with their definitions", "[layers]") {
    const Weights weights(memorySource({{"weight", at::randn({10})}, {"bias", at::randn({10})}}),
                          at::kCPU, at::kFloat);
    const at::Tensor x = at::randn({2, 5, 10}) * 3 + 1;
    const RmsNorm rms(weights, 10, 1e-3);
    const at::Tensor expected =
        x / at::sqrt((x * x).mean(-1, true) + 1e-3) * weights.tensor("weight", {10});
    CHECK(at::allclose(rms(x), expected, 1e-5, 1e-6));
    const LayerNorm layer(weights, 10, 1e-3);
    const at::Tensor centred = x - x.mean(-1, true);
    const at::Tensor normal = centred / at::sqrt((centred * centred).mean(-1, true) + 1e-3);
    CHECK(at::allclose(layer(x), normal * layer.weight + layer.bias, 1e-5, 1e-5));
    CHECK(layerNorm32(x.to(at::kBFloat16), {}, {}, 1e-3).scalar_type() == at::kBFloat16);
}

TEST_CASE("GELU at the end of a linear layer is GELU after it", "[layers]") {
    for (const int64_t rows : {1, 7, 300}) {
        const Weights weights(
            memorySource({{"weight", at::randn({33, 20})}, {"bias", at::randn({33})}}), at::kCPU,
            at::kFloat);
        const Linear linear(weights, 20, 33);
        const at::Tensor x = at::randn({2, rows, 20});
        const at::Tensor made = linear(x, Finish::Gelu);
        CHECK(made.sizes() == at::IntArrayRef({2, rows, 33}));
        CHECK(at::allclose(made, at::gelu(linear(x), "tanh"), 1e-5, 1e-6));
        const at::Tensor narrow = x.transpose(0, 1);
        CHECK(at::allclose(linear(narrow, Finish::Gelu), at::gelu(linear(narrow), "tanh"), 1e-5,
                           1e-6));
        const auto half = [](const at::Tensor& t) { return t.to(at::kBFloat16); };
        const Weights halved(memorySource({{"weight", half(weights.tensor("weight", {33, 20}))},
                                           {"bias", half(weights.tensor("bias", {33}))}}),
                             at::kCPU, at::kBFloat16);
        const at::Tensor rounded = Linear(halved, 20, 33)(half(x), Finish::Gelu);
        CHECK(rounded.scalar_type() == at::kBFloat16);
        CHECK(((rounded.to(at::kFloat) - made).norm() / made.norm()).item<double>() < 0.01);
    }
}

TEST_CASE("attention is softmax(q k + bias) v", "[layers]") {
    const at::Tensor q = splitHeads(at::randn({2, 7, 12}), 3),
                     k = splitHeads(at::randn({2, 5, 12}), 3),
                     v = splitHeads(at::randn({2, 5, 12}), 3);
    at::Tensor bias = at::zeros({1, 1, 1, 5});
    bias[0][0][0][4] = std::log(9.0);
    const at::Tensor scores = at::matmul(q, k.transpose(-1, -2));
    CHECK(at::allclose(attention(q, k, v), at::matmul(at::softmax(scores / 2, -1), v), 1e-4, 1e-6));
    CHECK(at::allclose(attention(q, k, v, bias, 1.0), at::matmul(at::softmax(scores + bias, -1), v),
                       1e-4, 1e-6));
    CHECK(joinHeads(q).sizes() == at::IntArrayRef({2, 7, 12}));
}

TEST_CASE("attention in blocks is exact to bfloat16's rounding", "[layers]") {
    if (bfloat16Products() == Bfloat16Products::None) {
        WARN("this processor has no products of bfloat16: not tried");
        return;
    }
    struct Shape {
        int64_t batch, heads, length, keys, width;
    };
    for (const Shape& s :
         {Shape{2, 3, 300, 300, 64}, Shape{1, 2, 129, 515, 128}, Shape{1, 1, 7, 3, 6},
          Shape{1, 1, 5, 70001, 16}, Shape{2, 2, 131, 24, 64}, Shape{1, 2, 600, 2100, 128}}) {
        CAPTURE(s.batch, s.heads, s.length, s.keys, s.width);
        const auto drawn = [&](int64_t rows) {  // as splitHeads leaves them: not contiguous
            return splitHeads(at::randn({s.batch, rows, s.heads * s.width}).to(at::kBFloat16),
                              s.heads);
        };
        const at::Tensor q = drawn(s.length) * 2, k = drawn(s.keys), v = drawn(s.keys);
        const at::Tensor exact =
            attention(q.to(at::kDouble), k.to(at::kDouble), v.to(at::kDouble), {}, 0.2);
        const at::Tensor made = bfloat16Attention(q, k, v, 0.2);
        REQUIRE(made.scalar_type() == at::kBFloat16);
        REQUIRE(made.sizes() == exact.sizes());
        const auto error = [](const at::Tensor& is, const at::Tensor& wanted) {
            return ((is.to(at::kDouble) - wanted).norm() / wanted.norm()).item<double>();
        };
        CHECK(error(made, exact) < 0.004);
        // Nearly all keys count nothing, as small as a float32 can be or smaller.
        const at::Tensor sharp = q * 40;
        CHECK(error(bfloat16Attention(sharp, k, v, 0.2),
                    attention(sharp.to(at::kDouble), k.to(at::kDouble), v.to(at::kDouble), {},
                              0.2)) < 0.004);
        const at::Tensor bias = at::randn({1, 1, 1, s.keys}).to(at::kBFloat16);
        const at::Tensor biased = attention(q.to(at::kDouble), k.to(at::kDouble), v.to(at::kDouble),
                                            bias.to(at::kDouble), 0.2);
        CHECK(error(biased, exact) > 0.05);
        CHECK(error(bfloat16Attention(q, k, v, 0.2, bias), biased) < 0.004);
        // What is not a number is not hidden, and stays with its query.
        q[0][0][1][0] = std::nan("");
        const at::Tensor told = bfloat16Attention(q, k, v, 0.2).isnan();
        CHECK(told[0][0][1].all().item<bool>());
        CHECK(told.sum().item<int64_t>() == s.width);
    }
}
