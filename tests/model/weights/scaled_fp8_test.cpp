#include "model/weights/scaled_fp8.h"

#include <catch2/catch.hpp>

#include "model/weights/renamed.h"

using namespace derrumbe;
using namespace derrumbe::model;

namespace {

std::shared_ptr<const TensorSource> scaled(std::map<std::string, at::Tensor> tensors) {
    return withScales(memorySource(std::move(tensors)));
}

}  // namespace

TEST_CASE("weights of 8 bits come with their scales multiplied in", "[fp8]") {
    const at::Tensor values = at::arange(24, at::kFloat).view({4, 6}) - 11;
    const at::Tensor eight = values.to(at::kFloat8_e4m3fn);
    const auto read = [&](const char* name, const at::Tensor& scale) {
        const auto source = scaled({{"a.weight", eight},
                                    {std::string("a.") + name, scale},
                                    {"a.scale_input", at::ones({1})},
                                    {"a.comfy_quant", at::zeros({9}, at::kByte)},
                                    {"scaled_fp8", at::zeros({2}).to(at::kFloat8_e4m3fn)}});
        CHECK(source->tensors().size() == 1);
        CHECK(source->tensors().at("a.weight").dtype == "F32");
        return source->read("a.weight");
    };
    const at::Tensor exact = eight.to(at::kFloat);
    CHECK(at::equal(read("scale_weight", at::full({}, 0.25)), exact * 0.25));
    CHECK(at::equal(read("weight_scale", at::full({1}, 3.0)), exact * 3));
    const at::Tensor rows = at::arange(1, 5, at::kFloat);
    CHECK(at::equal(read("scale_weight", rows), exact * rows.view({4, 1})));
    CHECK(at::equal(read("scale_weight", rows.view({4, 1})), exact * rows.view({4, 1})));
    const at::Tensor blocks = at::arange(1, 9, at::kFloat).view({4, 2, 1});
    CHECK(at::equal(read("scale_weight", blocks), (exact.view({4, 2, 3}) * blocks).view({4, 6})));
}

TEST_CASE("scales that belong to nothing are named together", "[fp8]") {
    try {
        scaled({{"a.weight", at::zeros({4, 6})},
                {"a.scale_weight", at::zeros({3})},
                {"b.scale_weight", at::zeros({1})}});
        FAIL("nothing was thrown");
    } catch (const Error& error) {
        CHECK(error.code() == ExitCode::Model);
        CHECK(error.problems().size() == 2);
    }
    const std::shared_ptr<const TensorSource> plain = memorySource({{"a.weight", at::zeros({2})}});
    CHECK(withScales(plain) == plain);
}

TEST_CASE("tensors are read under other names", "[names]") {
    NameTable names;
    names.add("blocks.0.to_q", "blocks.0.q");
    names.add("table", "head.modulation");
    std::shared_ptr<const TensorSource> file = memorySource({{"m.blocks.0.q.weight", at::ones({2})},
                                                             {"m.head.modulation", at::arange(6)},
                                                             {"m.other", at::zeros({1})},
                                                             {"elsewhere", at::zeros({1})}});
    const auto source = renamed(file, "m.", names, {{"table", {1, 2, 3}}});
    CHECK(source->tensors().size() == 3);
    CHECK(source->tensors().at("table").shape == std::vector<int64_t>{1, 2, 3});
    CHECK(source->read("table").sizes() == at::IntArrayRef({1, 2, 3}));
    CHECK(source->tensors().count("blocks.0.to_q.weight") == 1);
    CHECK(source->tensors().count("other") == 1);
    CHECK(source->nameInFile("blocks.0.to_q.bias") == "m.blocks.0.q.bias");
    file = memorySource(
        {{"blocks.0.q.weight", at::ones({2})}, {"blocks.0.to_q.weight", at::ones({2})}});
    CHECK_THROWS_AS(renamed(file, "", names), Error);

    const auto both = joined(memorySource({{"a", at::ones({1})}, {"b", at::ones({1})}}),
                             memorySource({{"a", at::zeros({1})}, {"c", at::zeros({1})}}));
    CHECK(both->tensors().size() == 3);
    CHECK(both->read("a").item<float>() == 1);
    CHECK(both->read("c").item<float>() == 0);
}
