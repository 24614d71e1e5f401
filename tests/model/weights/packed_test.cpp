// Matrices that stay small in memory: unpacked they are what reading the tensor gives, to the bit.
#include <catch2/catch.hpp>
#include <filesystem>

#include "../test_device.h"
#include "model/wan/wan_folder.h"
#include "model/weights/lora.h"
#include "model/weights/rounded.h"
#include "model/weights/safetensors.h"
#include "model/weights/scaled_fp8.h"
#include "model/weights/weights.h"

using namespace derrumbe;
using namespace derrumbe::model;

namespace {

/// Every matrix of the source, packed and unpacked, against what `read` gives; how many there are.
int comparedMatrices(const TensorSource& source) {
    int matrices = 0;
    for (const auto& [name, info] : source.tensors()) {
        if (info.shape.size() != 2) continue;
        CAPTURE(name);
        const auto packed = source.packed(name);
        const at::Tensor whole = source.read(name);
        REQUIRE(packed->rows() == info.shape[0]);
        REQUIRE(packed->columns() == info.shape[1]);
        for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kHalf})
            CHECK(at::equal(packed->unpacked(type), whole.to(type)));
        const int64_t first = info.shape[0] / 2;
        CHECK(at::equal(packed->unpackedRows(first, 1).to(at::kFloat),
                        whole.narrow(0, first, 1).to(at::kFloat)));
        ++matrices;
    }
    return matrices;
}

std::shared_ptr<const TensorSource> oneMatrix(const at::Tensor& values) {
    return memorySource({{"a.weight", values}});
}

bool all(const std::string& /*name*/) {
    return true;
}

}  // namespace

TEST_CASE("packed matrices of every layout hold what is read", "[packed]") {
    const auto layouts = std::filesystem::path(DERRUMBE_TEST_DATA) / "layouts_0";
    for (const char* layout : {"diffusers", "comfy", "comfy_fp8", "gguf"}) {
        CAPTURE(layout);
        const WanFolder folder = readWanFolder(layouts / layout);
        CHECK(comparedMatrices(*folder.transformerTensors) > 10);
        CHECK(comparedMatrices(*folder.textTensors) > 10);
    }
}

TEST_CASE("packed matrices of 8 bits have the scales of their rows and blocks", "[packed][fp8]") {
    at::manual_seed(1);
    // More rows than are unpacked at once.
    const at::Tensor eight = at::randn({700, 600}).to(at::kFloat8_e4m3fn);
    for (const at::Tensor& scale :
         {at::full({}, 0.3), at::rand({700}), at::rand({700, 1}), at::rand({700, 4, 1})}) {
        const auto source =
            withScales(memorySource({{"a.weight", eight}, {"a.scale_weight", scale}}));
        CHECK(source->tensors().at("a.weight").bytes == eight.numel() + 4 * scale.numel());
        CHECK(comparedMatrices(*source) == 1);
    }
}

TEST_CASE("LoRAs are merged into packed matrices", "[packed][lora]") {
    std::string folder = (std::filesystem::temp_directory_path() / "packed_XXXXXX").string();
    const std::filesystem::path path = ::mkdtemp(folder.data());
    at::manual_seed(2);
    writeSafetensors(path / "x.safetensors", {{"a.lora_A.weight", at::randn({8, 300})},
                                              {"a.lora_B.weight", at::randn({900, 8})}});
    const auto model = oneMatrix(at::randn({900, 300}).to(at::kBFloat16));
    const auto merged = mergeLoras(model, {{path / "x.safetensors", 0.5}},
                                   [](const std::string&) { return std::string(); });
    CHECK_FALSE(at::equal(merged->read("a.weight"), model->read("a.weight").to(at::kFloat)));
    CHECK(comparedMatrices(*merged) == 1);
    std::filesystem::remove_all(path);
}

TEST_CASE("only what is smaller packed stays so", "[packed]") {
    const auto packs = [](at::ScalarType stored, at::ScalarType computed) {
        const Weights weights(oneMatrix(at::ones({4, 6}, stored)), at::kCPU, computed);
        CHECK_FALSE((weights / "a").packed("weight", {4, 6}));
        return (weights / "a").keepingPacked().packed("weight", {4, 6}) != nullptr;
    };
    CHECK(packs(at::kBFloat16, at::kFloat));
    CHECK(packs(at::kFloat8_e4m3fn, at::kBFloat16));
    CHECK_FALSE(packs(at::kFloat, at::kFloat));
    CHECK_FALSE(packs(at::kHalf, at::kBFloat16));
    const Weights weights =
        Weights(oneMatrix(at::ones({4, 6}, at::kHalf)), at::kCPU, at::kFloat).keepingPacked();
    CHECK_FALSE((weights / "a").packed("weight", {6, 4}));
    CHECK(weights.problems().size() == 1);
}

TEST_CASE("a GGUF file's quantised matrices stay packed", "[packed][gguf][device]") {
    const WanFolder folder =
        readWanFolder(std::filesystem::path(DERRUMBE_TEST_DATA) / "layouts_0/gguf");
    const auto& source = folder.transformerTensors;
    const Weights weights = Weights(source, at::kCPU, at::kFloat).keepingPacked();
    int packed = 0;
    for (const auto& [name, info] : source->tensors()) {
        if (info.shape.size() != 2 || info.bytes >= 4 * info.shape[0] * info.shape[1]) continue;
        CAPTURE(name);
        const auto matrix = weights.packed(name, info.shape);
        REQUIRE(matrix);
        const auto onDevice = matrix->to(testDevice());
        REQUIRE(onDevice);
        CHECK(at::equal(onDevice->unpacked(at::kFloat).cpu(), source->read(name).to(at::kFloat)));
        ++packed;
    }
    CHECK(packed > 10);
    const Description& about = folder.description;
    CHECK(about.transformerMatrices.bytes < 4 * about.transformerMatrices.numbers);
}

TEST_CASE("a description says whether the transformer's matrices are bfloat16", "[packed]") {
    const auto said = [](const char* layout) {
        const auto folder = std::filesystem::path(DERRUMBE_TEST_DATA) / "layouts_0" / layout;
        return readWanFolder(folder).description.transformerMatrices.bfloat16;
    };
    CHECK(said("original"));
    CHECK_FALSE(said("comfy"));  // float16
    CHECK_FALSE(said("comfy_fp8"));
}

TEST_CASE("rounded matrices are near, and as they were where that is small already", "[packed]") {
    at::manual_seed(3);
    at::Tensor values = at::randn({50, 400}) * at::rand({50, 1});
    values.select(0, 7).zero_();
    const auto source = oneMatrix(values);
    const at::Tensor most = values.abs().amax({1}, true);
    const auto error = [&](Rounding rounding) {
        const auto small = rounded(source, rounding, all);
        CHECK(small->tensors().at("a.weight").bytes == 50 * 400 + 50 * 4);
        CHECK(at::equal(small->read("a.weight"), values));
        const at::Tensor unpacked = small->packed("a.weight")->unpacked(at::kFloat);
        CHECK(at::equal(unpacked, small->packed("a.weight")->unpacked(at::kFloat)));
        CHECK(unpacked.select(0, 7).eq(0).all().item<bool>());
        return (unpacked - values).abs();
    };
    // Half a step of a row's 127, and half a unit of the last of three bits, or of the smallest
    // number.
    CHECK((error(Rounding::Int8) <= most / 254 * 1.0001).all().item<bool>());
    CHECK((error(Rounding::Fp8) <= at::max(values.abs() / 16, most / 448 / 1024) * 1.0001)
              .all()
              .item<bool>());
    CHECK(error(Rounding::Int8).max().item<double>() > 0);

    const auto half = oneMatrix(values.to(at::kFloat8_e5m2));
    CHECK(at::equal(rounded(half, Rounding::Int8, all)->packed("a.weight")->unpacked(at::kFloat),
                    half->read("a.weight").to(at::kFloat)));
    const auto other = rounded(source, Rounding::Int8, [](const std::string&) { return false; });
    CHECK(at::equal(other->packed("a.weight")->unpacked(at::kFloat), values));
    CHECK(rounded(source, Rounding::None, all) == source);
}
