#include "model/wan/transformer_block.h"

#include <catch2/catch.hpp>

#include "../fixture_folders.h"
#include "../test_device.h"
#include "model/layers/rope.h"
#include "model/weights/safetensors.h"

using namespace derrumbe;
using namespace derrumbe::model;

TEST_CASE("a block gives the same, however many tokens it works on at once", "[transformer]") {
    const std::filesystem::path folder = fixtureFolders("transformer_").at(0);
    const Config file = Config::read(folder / "config.json");
    const TransformerConfig config = TransformerConfig::read(file);
    const Weights weights(openSafetensors(folder / "tensors.safetensors"), at::kCPU, at::kFloat);
    const TransformerBlock whole(weights / "blocks" / "0", config);
    const int64_t tokens = 4 * 3 * 3;
    const at::Tensor table = ropeTable(config.headSize, {4, 3, 3});
    const at::Tensor time = at::randn({6, config.width()});
    const TokenShare alone(Group(), tokens);
    for (const int64_t prompts : {1, 2}) {
        const TextKeys text = whole.textKeys(at::randn({prompts, 5, config.width()}));
        const at::Tensor x = at::randn({1, tokens, config.width()});
        const at::Tensor expected = whole(x.clone(), time, table, text, {}, alone);
        CHECK(largestDifference(expected, x.expand_as(expected)) > 0.1);
        for (const int64_t atOnce : {1, 7, 12, 35}) {
            INFO(atOnce << " at once, " << prompts << " prompts");
            const TransformerBlock parts(weights / "blocks" / "0", config, atOnce);
            CHECK(largestDifference(parts(x.clone(), time, table, text, {}, alone), expected) <
                  5e-6);
        }
    }
}
