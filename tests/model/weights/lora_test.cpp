#include "model/weights/lora.h"

#include <unistd.h>

#include <catch2/catch.hpp>

#include "support/error.h"
#include "support/strings.h"

using namespace derrumbe;
using namespace derrumbe::model;

namespace {

/// A file of its own, gone at the end of the test.
class Scratch {
  public:
    std::filesystem::path path;

    Scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "lora_XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
        path = folder_ / "x.safetensors";
    }
    ~Scratch() { std::filesystem::remove_all(folder_); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

  private:
    std::filesystem::path folder_;
};

std::string noOtherName(const std::string&) {
    return "";
}

/// A model of one matrix, one convolution and one parameter.
std::shared_ptr<const TensorSource> smallModel(at::ScalarType dtype = at::kFloat) {
    return memorySource({{"a.to.weight", at::ones({3, 4}, dtype)},
                         {"a.to.bias", at::ones({3}, dtype)},
                         {"conv.weight", at::ones({3, 2, 1, 2, 2}, dtype)},
                         {"table", at::ones({2, 3}, dtype)}});
}

std::shared_ptr<const TensorSource> merged(const Scratch& scratch,
                                           const std::map<std::string, at::Tensor>& tensors,
                                           double strength = 1,
                                           const std::map<std::string, std::string>& meta = {}) {
    writeSafetensors(scratch.path, tensors, meta);
    return mergeLoras(smallModel(), {{scratch.path, strength}}, noOtherName);
}

/// What is wrong, all messages in one text.
std::string refusal(const std::map<std::string, at::Tensor>& tensors,
                    const std::map<std::string, std::string>& meta = {}) {
    const Scratch scratch;
    try {
        merged(scratch, tensors, 1, meta);
    } catch (const Error& error) {
        CHECK(error.code() == ExitCode::Model);
        std::string all;
        for (const Problem& problem : error.problems()) {
            CHECK(problem.place.file == scratch.path.string());
            all += problem.message + "\n";
        }
        return all;
    }
    return "";
}

size_t count(const std::string& text, const std::string& part) {
    size_t found = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++found;
    return found;
}

const at::Tensor kDown = at::full({2, 4}, 0.5), kUp = at::full({3, 2}, 2.0);

}  // namespace

TEST_CASE("a low-rank difference is strength * alpha / rank * B A", "[lora][weights]") {
    const Scratch scratch;
    const std::map<std::string, at::Tensor> pair = {{"a.to.lora_A.weight", kDown},
                                                    {"a.to.lora_B.weight", kUp}};
    const auto value = [&](const std::shared_ptr<const TensorSource>& model) {
        const at::Tensor weight = model->read("a.to.weight");
        CHECK(weight.scalar_type() == at::kFloat);
        CHECK(at::equal(weight, at::full_like(weight, weight[0][0].item<double>())));
        return weight[0][0].item<double>();
    };
    CHECK(value(merged(scratch, pair)) == 1 + 2);
    CHECK(value(merged(scratch, pair, -0.5)) == 1 - 1);
    CHECK(value(merged(scratch, pair, 0)) == 1);
    auto scaled = pair;
    scaled["a.to.alpha"] = at::full({}, 1.0, at::kHalf);
    CHECK(value(merged(scratch, scaled)) == 1 + 1);
    // The alpha of diffusers' own files stands in the metadata, one for all or one a module.
    const auto meta = [](const std::string& text) {
        return std::map<std::string, std::string>{{"lora_adapter_metadata", text}};
    };
    CHECK(value(merged(scratch, pair, 1, meta(R"({"transformer.lora_alpha": 4})"))) == 1 + 4);
    CHECK(value(merged(scratch, pair, 1, meta(R"({"transformer.lora_alpha": 4,
                                "transformer.alpha_pattern": {"to": 6}})"))) == 1 + 6);
    CHECK(value(merged(scratch, pair, 1, meta(R"({"transformer.lora_alpha": 4,
                                "transformer.use_rslora": true})"))) ==
          Approx(1 + 2 * 4 / std::sqrt(2.0)));
    CHECK(value(merged(scratch, scaled, 1, meta(R"({"transformer.lora_alpha": 4})"))) == 1 + 1);
}

TEST_CASE("convolutions, biases and parameters are changed, the rest is not", "[lora][weights]") {
    const Scratch scratch;
    const auto model = merged(scratch,
                              {{"transformer.conv.lora_A.weight", at::ones({1, 2, 1, 2, 2})},
                               {"transformer.conv.lora_B.weight", at::ones({3, 1, 1, 1, 1})},
                               {"transformer.a.to.diff_b", at::full({3}, 0.25)},
                               {"transformer.table.diff", at::full({2, 3}, 4.0)}},
                              2);
    CHECK(at::equal(model->read("conv.weight"), at::full({3, 2, 1, 2, 2}, 3.0)));
    CHECK(at::equal(model->read("a.to.bias"), at::full({3}, 1.5)));
    CHECK(at::equal(model->read("table"), at::full({2, 3}, 9.0)));
    CHECK(at::equal(model->read("a.to.weight"), at::ones({3, 4})));
    CHECK(model->files().back() == scratch.path.string());
}

TEST_CASE("the model's own tensors are not written to", "[lora][weights]") {
    const Scratch scratch;
    writeSafetensors(scratch.path, {{"a.to.lora_A.weight", kDown}, {"a.to.lora_B.weight", kUp}});
    const auto base = smallModel();
    const auto model = mergeLoras(base, {{scratch.path, 1}}, noOtherName);
    model->read("a.to.weight");
    CHECK(at::equal(base->read("a.to.weight"), at::ones({3, 4})));
    CHECK(at::equal(model->read("a.to.weight"), at::full({3, 4}, 3.0)));  // and again the same
}

TEST_CASE("everything that is wrong with a LoRA is said at once", "[lora][weights]") {
    const std::string all = refusal({{"transformer.a.to.lora_A.weight", kDown},
                                     {"transformer.a.to.lora_B.weight", at::ones({4, 2})},
                                     {"conv.lora_A.weight", at::ones({1, 2, 1, 2, 2})},
                                     {"text_encoder.q.lora_A.weight", at::ones({1, 1})},
                                     {"a.to.dora_scale", at::ones({3})},
                                     {"a.to.diff_b", at::ones({4})},
                                     {"table.diff_b", at::ones({4})},
                                     {"table.alpha", at::ones({})}});
    INFO(all);
    CHECK(count(all, "\n") == 7);
    CHECK(count(all, "do not fit a.to.weight [3, 4]") == 1);
    CHECK(count(all, "\"conv.lora_A.weight\" has no partner") == 1);
    CHECK(count(all, "\"text_encoder.q.lora_A.weight\" names nothing in this model") == 1);
    CHECK(count(all, "\"a.to.dora_scale\" is no part of a LoRA") == 1);
    CHECK(count(all, "\"a.to.diff_b\" is [4], [3] was expected") == 1);
    CHECK(count(all, "table.bias, which the model does not have") == 1);
    CHECK(count(all, "\"table.alpha\" stands alone") == 1);
}

TEST_CASE("LoRAs that do nothing, say things twice or hold no numbers are refused",
          "[lora][weights]") {
    CHECK(count(refusal({}), "holds nothing that changes this model") == 1);
    CHECK(count(refusal({{"a.to.lora_A.weight", kDown},
                         {"a.to.lora_B.weight", kUp},
                         {"transformer.a.to.lora_B.weight", kUp}}),
                "says the same as") == 1);
    CHECK(count(refusal({{"a.to.diff_b", at::ones({3}, at::kInt)}}), "floating point") == 1);
    CHECK(count(refusal({{"a.to.lora_A.weight", kDown},
                         {"a.to.lora_B.weight", kUp},
                         {"a.to.alpha", at::full({}, INFINITY)}}),
                "is not finite") == 1);
    CHECK(count(refusal({{"a.to.lora_A.weight", kDown}, {"a.to.lora_B.weight", kUp}},
                        {{"lora_adapter_metadata", R"({"transformer.use_dora": true})"}}),
                "DoRA") == 1);
    CHECK(!refusal({{"a.to.lora_A.weight", kDown}, {"a.to.lora_B.weight", kUp}},
                   {{"lora_adapter_metadata", "no JSON"}})
               .empty());
    const Scratch scratch;
    const auto model = merged(scratch, {{"a.to.diff_b", at::full({3}, NAN)}});
    CHECK_THROWS_AS(model->read("a.to.bias"), Error);
    std::map<std::string, at::Tensor> many;
    for (int i = 0; i < 50; ++i) many[cat("k", i, ".alpha")] = at::ones({});
    CHECK(count(refusal(many), "and 30 more keys that do not fit") == 1);
}

TEST_CASE("a LoRA's licence is read from its metadata", "[lora][weights]") {
    const Scratch scratch;
    merged(scratch, {{"a.to.diff_b", at::ones({3})}}, 1, {{"modelspec.license", "CC0-1.0"}});
    CHECK(loraLicense(scratch.path) == "CC0-1.0");
    merged(scratch, {{"a.to.diff_b", at::ones({3})}});
    CHECK(loraLicense(scratch.path).empty());
    CHECK(loraLicense("/nowhere.safetensors").empty());
}
