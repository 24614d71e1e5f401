#include "model/weights/weights.h"

#include <catch2/catch.hpp>

#include "model/layers/linear.h"
#include "model/weights/config.h"

using namespace derrumbe;
using namespace derrumbe::model;

namespace {

std::shared_ptr<const TensorSource> someTensors() {
    return memorySource({{"a.fc.weight", at::ones({3, 2}, at::kHalf)},
                         {"a.fc.bias", at::ones({3})},
                         {"a.0.x", at::ones({1})},
                         {"ids", at::ones({1}, at::kLong)},
                         {"extra", at::ones({1})}});
}

}  // namespace

TEST_CASE("scopes join with dots and dtypes are converted", "[weights]") {
    const Weights weights(someTensors(), at::kCPU, at::kFloat);
    const Linear linear(weights / "a" / "fc", 2, 3);
    CHECK(linear.weight().scalar_type() == at::kFloat);
    CHECK(linear(at::ones({1, 2})).sum().item<float>() == 9);
    CHECK((weights / "a" / 0).has("x"));
    CHECK((weights / "a" / 0).scope() == "a.0");
    CHECK_FALSE(weights.has("x"));
    CHECK(weights.withDtype(at::kBFloat16).tensor("extra", {1}).scalar_type() == at::kBFloat16);
    CHECK(weights.tensor("extra", {1}, at::kDouble).scalar_type() == at::kDouble);
    CHECK_NOTHROW(weights.throwIfProblems());
    CHECK(weights.unused() == std::vector<std::string>{"a.0.x", "ids"});
}

TEST_CASE("a tensor in the right dtype is not copied", "[weights]") {
    const auto source = someTensors();
    const Weights weights(source, at::kCPU, at::kFloat);
    CHECK(weights.tensor("extra", {1}).const_data_ptr() == source->read("extra").const_data_ptr());
}

TEST_CASE("missing and misshapen tensors are gathered", "[weights]") {
    const Weights weights(someTensors(), at::kCPU, at::kFloat);
    const Linear wrong(weights / "a.fc", 4, 3), missing(weights / "b.fc", 2, 2);
    CHECK(wrong.weight().is_meta());
    CHECK(missing.weight().sizes() == at::IntArrayRef({2, 2}));
    weights.tensor("ids", {1});
    CHECK(weights.problems().size() == 4);
    try {
        weights.throwIfProblems();
        FAIL("nothing was thrown");
    } catch (const Error& error) {
        const std::string all = error.what();
        CHECK(error.code() == ExitCode::Model);
        CHECK(all.find("a.fc.weight is [3, 2], [3, 4] was expected") != std::string::npos);
        CHECK(all.find("b.fc.weight [2, 2] is missing") != std::string::npos);
        CHECK(all.find("b.fc.bias [2] is missing") != std::string::npos);
        CHECK(all.find("ids holds I64") != std::string::npos);
    }
}

TEST_CASE("more than twenty problems are counted, not printed", "[weights]") {
    const Weights weights(someTensors(), at::kCPU, at::kFloat);
    for (int i = 0; i < 33; ++i) weights.tensor("gone" + std::to_string(i), {1});
    try {
        weights.throwIfProblems();
        FAIL("nothing was thrown");
    } catch (const Error& error) {
        CHECK(error.problems().size() == 21);
        CHECK(error.problems().back().message.find("13 more") != std::string::npos);
    }
    CHECK(weights.problems().size() == 33);
}

TEST_CASE("the meta device compares shapes and reads nothing", "[weights]") {
    const Weights weights(someTensors(), at::kMeta, at::kFloat);
    CHECK(weights.tensor("extra", {1}).is_meta());
    CHECK(weights.problems().empty());
}

TEST_CASE("configurations take defaults, ignore the unknown and gather faults", "[config]") {
    const Config config = Config::parse(
        R"({"n": 3, "whole": 4.0, "none": null, "list": [1, 2], "eps": 1e-6, "on": true,
            "name": "x", "mixed": [1, "a"], "half": 0.5, "big": 99999999999999999999,
            "inner": {"m": "no"}, "unknown": [[[]]]})",
        "part/config.json");
    CHECK(config.integer("n", 0) == 3);
    CHECK(config.integer("whole", 0) == 4);
    CHECK(config.integer("none", 7) == 7);
    CHECK(config.integer("absent", 8) == 8);
    CHECK(config.integers("list", {}) == std::vector<int64_t>{1, 2});
    CHECK(config.number("eps", 0) == 1e-6);
    CHECK(config.flag("on", false));
    CHECK(config.text("name", "") == "x");
    CHECK(config.problems().empty());

    CHECK(config.integer("half", 1) == 1);
    CHECK(config.integer("big", 2) == 2);
    CHECK(config.integer("n", 1, 0, 2) == 1);
    CHECK(config.integer("name", 5) == 5);
    CHECK(config.integers("mixed", {9}) == std::vector<int64_t>{9});
    CHECK(config.flag("n", true));
    CHECK(config.text("n", "t") == "t");
    CHECK(config.object("inner").integer("m", 6) == 6);
    CHECK(config.problems().size() == 8);
    for (const Problem& problem : config.problems())
        CHECK(problem.place.file == "part/config.json");
    CHECK(config.problems().back().message.rfind("inner.m:", 0) == 0);
    CHECK_THROWS_AS(config.throwIfProblems(), Error);
}

TEST_CASE("what is no JSON object is refused with its place", "[config]") {
    const auto refusal = [](const std::string& text) {
        try {
            Config::parse(text, "c.json");
        } catch (const Error& error) {
            CHECK(error.code() == ExitCode::Model);
            return std::string(error.what());
        }
        return std::string();
    };
    CHECK(refusal("[]").find("object") != std::string::npos);
    CHECK(refusal("{\n \"a\": }").find("c.json:2:7") != std::string::npos);
    CHECK(refusal(std::string(1000000, '[')).find("deep") != std::string::npos);
    CHECK_FALSE(refusal("").empty());
    CHECK_FALSE(refusal("{\"a\": 1e999}").empty());
}

TEST_CASE("integers in place of weights are found without reading data", "[weights]") {
    const Weights weights(someTensors(), at::kMeta, at::kFloat);
    weights.tensor("ids", {1});
    weights.tensor("extra", {1});
    REQUIRE(weights.problems().size() == 1);
    CHECK(weights.problems()[0].message.find("ids holds I64") != std::string::npos);
}
