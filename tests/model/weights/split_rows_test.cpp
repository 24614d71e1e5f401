#include "model/weights/split_rows.h"

#include <catch2/catch.hpp>

using namespace derrumbe::model;

TEST_CASE("joint modules are taken apart by their rows", "[weights][split]") {
    const at::Tensor weight = at::arange(24).view({6, 4}), bias = at::arange(6);
    const auto split = splitRows(memorySource({{"a.qkv.weight", weight},
                                               {"a.qkv.bias", bias},
                                               {"b.qkv.weight", at::zeros({7, 4})},
                                               {"bqkv.weight", at::zeros({6})},
                                               {"qkv", at::zeros({6})}}),
                                 "qkv", {"q", "k", "v"});
    CHECK(split->tensors().size() == 9);
    CHECK(at::equal(split->read("a.q.weight"), weight.narrow(0, 0, 2)));
    CHECK(at::equal(split->read("a.v.weight"), weight.narrow(0, 4, 2)));
    CHECK(at::equal(split->read("a.k.bias"), bias.narrow(0, 2, 2)));
    CHECK(split->tensors().at("a.k.weight").shape == std::vector<int64_t>{2, 4});
    // Rows that are not divided, and names that only end alike.
    CHECK(split->read("b.qkv.weight").size(0) == 7);
    CHECK(split->tensors().count("bqkv.weight") == 1);
    CHECK(split->tensors().count("qkv") == 1);
    // A part is called what the file calls it, there or not.
    CHECK(split->nameInFile("a.k.weight") == "a.qkv.weight");
    CHECK(split->nameInFile("c.k.weight") == "c.qkv.weight");
    CHECK(split->nameInFile("b.qkv.weight") == "b.qkv.weight");
    CHECK(at::equal(split->packed("a.k.weight")->unpacked(at::kFloat),
                    weight.narrow(0, 2, 2).to(at::kFloat)));
}
