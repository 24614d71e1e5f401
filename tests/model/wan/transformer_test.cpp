#include "model/wan/transformer.h"

#include <catch2/catch.hpp>
#include <random>

#include "../fixture_folders.h"
#include "../test_device.h"
#include "model/weights/safetensors.h"

using namespace derrumbe;
using namespace derrumbe::model;

namespace {

struct Fixture {
    TransformerConfig config;
    std::shared_ptr<const TensorSource> weights, io;

    explicit Fixture(const std::filesystem::path& folder)
        : weights(openSafetensors(folder / "tensors.safetensors")),
          io(openSafetensors(folder / "io.safetensors")) {
        const Config file = Config::read(folder / "config.json");
        config = TransformerConfig::read(file);
        file.throwIfProblems();
    }

    WanTransformer build(at::ScalarType dtype = at::kFloat) const {
        const Weights view(weights, testDevice(), dtype);
        WanTransformer transformer(view, config);
        view.throwIfProblems();
        CHECK(view.unused().empty());
        return transformer;
    }
    at::Tensor latents() const { return io->read("hidden_states"); }
    at::Tensor text() const { return io->read("encoder_hidden_states"); }
    at::Tensor control() const { return io->read("control_hidden_states"); }
    double timestep() const { return io->read("timestep").to(at::kDouble).item<double>(); }
    std::vector<double> scales() const {
        const at::Tensor scale = io->read("control_hidden_states_scale").to(at::kDouble);
        return {scale.const_data_ptr<double>(), scale.const_data_ptr<double>() + scale.numel()};
    }
    at::Tensor run(const WanTransformer& transformer) const {
        return transformer(latents(), timestep(), transformer.prepareText(text()), control(),
                           scales());
    }
};

}  // namespace

TEST_CASE("a transformer without VACE layers gives what diffusers gives",
          "[transformer][parity][device]") {
    const auto folders = fixtureFolders("text_to_video_");
    REQUIRE(folders.size() == 3);
    for (const auto& folder : folders) {
        INFO(folder.filename().string());
        const Fixture fixture(folder);
        CHECK_FALSE(fixture.config.hasVace());
        const WanTransformer transformer = fixture.build();
        const at::Tensor velocity =
            transformer(fixture.latents(), fixture.timestep(),
                        transformer.prepareText(fixture.text()), at::Tensor(), {});
        CHECK(largestDifference(velocity, fixture.io->read("output"), folder.filename().string()) <=
              tolerance().part);
    }
}

TEST_CASE("the transformer gives what diffusers gives", "[transformer][parity][device]") {
    const auto folders = fixtureFolders("transformer_");
    REQUIRE(folders.size() >= 8);
    for (const auto& folder : folders) {
        INFO(folder.filename().string());
        const Fixture fixture(folder);
        CHECK(largestDifference(fixture.run(fixture.build()), fixture.io->read("output"),
                                folder.filename().string()) <= tolerance().part);
    }
}

TEST_CASE("bfloat16 stays near float32", "[transformer][device]") {
    for (const auto& folder : fixtureFolders("transformer_")) {
        INFO(folder.filename().string());
        const Fixture fixture(folder);
        const at::Tensor expected = fixture.io->read("output");
        const at::Tensor got = fixture.run(fixture.build(at::kBFloat16)).cpu();
        CHECK(got.scalar_type() == at::kFloat);
        const double relative = ((got - expected).norm() / expected.norm()).item<double>();
        CHECK(relative < 0.05);
        CHECK(relative > 0);  // it did compute in another precision
    }
}

TEST_CASE("folding the text's padding is exact", "[transformer]") {
    // Long padding counts most; without folding the same rows are given as ordinary ones, told
    // apart by a last row that is not zero.
    const Fixture fixture(fixtureFolders("transformer_").at(0));
    const WanTransformer transformer = fixture.build();
    const at::Tensor words = at::randn({1, 3, fixture.config.textDim});
    for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16, at::kHalf}) {
        INFO(c10::toString(dtype));
        const WanTransformer narrow = fixture.build(dtype);
        const at::Tensor padded = at::constant_pad_nd(words, {0, 0, 0, 509});
        const TextContext folded = narrow.prepareText(padded);
        CHECK(folded.blocks[0].keys.size(2) <= 3 + 4);
        // What stands in the bias adds up to the rows folded.
        const double count = folded.bias.to(at::kDouble).exp().sum().item<double>() - 3;
        CHECK(count == Approx(509).epsilon(2e-6));
    }
    at::Tensor nearly = at::constant_pad_nd(words, {0, 0, 0, 509});
    nearly[0][511].fill_(1e-20);  // too small to matter, yet not zero: nothing is folded
    const TextContext full = transformer.prepareText(nearly);
    CHECK(full.blocks[0].keys.size(2) == 512);
    CHECK_FALSE(full.bias.defined());
    nearly[0][511].fill_(0);
    const TextContext folded = transformer.prepareText(nearly);
    CHECK(folded.blocks[0].keys.size(2) == 4);
    const auto run = [&](const TextContext& text) {
        return transformer(fixture.latents(), 500, text, fixture.control(), fixture.scales());
    };
    CHECK(largestDifference(run(full), run(folded)) < 2e-6);
    // and dropping the padding is another result: the rows do matter
    CHECK(largestDifference(run(full), run(transformer.prepareText(words))) > 1e-3);
}

TEST_CASE("a prompt of zeros alone and one without padding work", "[transformer]") {
    const Fixture fixture(fixtureFolders("transformer_").at(0));
    const WanTransformer transformer = fixture.build();
    const at::Tensor zeros = at::zeros({1, 7, fixture.config.textDim});
    CHECK(transformer.prepareText(zeros).blocks[0].keys.size(2) == 1);
    CHECK(transformer.prepareText(zeros + 1).blocks[0].keys.size(2) == 7);
    at::Tensor one = zeros.clone();
    one.narrow(1, 0, 6).fill_(1);  // a single row of padding stays as it is
    CHECK(transformer.prepareText(one).blocks[0].keys.size(2) == 7);
    CHECK_FALSE(transformer.prepareText(one).bias.defined());
}

TEST_CASE("a batch gives each member's own result", "[transformer]") {
    const Fixture fixture(fixtureFolders("transformer_").at(2));
    const WanTransformer transformer = fixture.build();
    at::Tensor first = at::randn({1, 12, fixture.config.textDim}), second = at::randn_like(first);
    first.narrow(1, 2, 10).zero_();
    second.narrow(1, 5, 7).zero_();
    const at::Tensor latents = fixture.latents(), control = fixture.control();
    const auto run = [&](const at::Tensor& text, int64_t batch) {
        return transformer(latents.repeat({batch, 1, 1, 1, 1}), 321, transformer.prepareText(text),
                           control.repeat({batch, 1, 1, 1, 1}), fixture.scales());
    };
    const at::Tensor both = run(at::cat({first, second}), 2);
    CHECK(largestDifference(both.narrow(0, 0, 1), run(first, 1)) < 1e-5);
    CHECK(largestDifference(both.narrow(0, 1, 1), run(second, 1)) < 1e-5);
    CHECK(largestDifference(run(first, 1), run(second, 1)) > 1e-3);
}

TEST_CASE("hints of scale zero leave the main branch alone", "[transformer]") {
    const Fixture fixture(fixtureFolders("transformer_").at(2));
    const WanTransformer transformer = fixture.build();
    const std::vector<double> zero(fixture.config.vaceLayers.size(), 0.0);
    const auto text = transformer.prepareText(fixture.text());
    const at::Tensor a = transformer(fixture.latents(), 500, text, fixture.control(), zero);
    const at::Tensor b = transformer(fixture.latents(), 500, text, fixture.control() * 7, zero);
    CHECK(largestDifference(a, b) == 0);
}

TEST_CASE("tokens that are left out take no part, and those that stay keep their places",
          "[transformer][sparse][device]") {
    for (const int index : {1, 2}) {
        const Fixture fixture(fixtureFolders("transformer_").at(index));
        INFO(index);
        const WanTransformer transformer = fixture.build();
        const auto text = transformer.prepareText(fixture.text());
        const auto [pt, ph, pw] = fixture.config.patch;
        at::manual_seed(4);
        const at::Tensor latents =
            at::randn({1, fixture.config.inChannels, 3 * pt, 4 * ph, 6 * pw});
        const auto run = [&](const at::Tensor& x, const at::Tensor& control,
                             const at::Tensor& kept = {}) {
            return transformer(x, 500, text, control, fixture.scales(), {}, kept).cpu();
        };
        // A conditioning as long as the latents, and one that lacks the last frame.
        for (const int64_t length : {3, 2}) {
            const at::Tensor control =
                at::randn({1, fixture.config.vaceInChannels, length * pt, 4 * ph, 6 * pw});
            const at::Tensor whole = run(latents, control);
            CHECK(largestDifference(run(latents, control, at::arange(3 * 4 * 6)), whole) <=
                  sameProducts(0, tolerance().part));
            // A box of tokens is the same picture, cut: positions count by their differences alone.
            const auto box = [&](const at::Tensor& x, int64_t rows, int64_t columns) {
                return x.narrow(3, 1 * rows, 2 * rows).narrow(4, 3 * columns, 3 * columns);
            };
            const at::Tensor numbers = at::arange(3 * 4 * 6).view({1, 1, 3, 4, 6});
            const at::Tensor some =
                run(latents, control, box(numbers, 1, 1).flatten().contiguous());
            REQUIRE(some.sizes() == whole.sizes());
            CHECK(largestDifference(box(some, ph, pw), run(box(latents, ph, pw).contiguous(),
                                                           box(control, ph, pw).contiguous())) <
                  5e-5);
            CHECK(largestDifference(box(some, ph, pw), box(whole, ph, pw)) > 1e-3);
            box(some, ph, pw).zero_();
            CHECK(some.abs().max().item<float>() == 0);
        }
    }
}

TEST_CASE("the inputs are left as they were", "[transformer]") {
    const Fixture fixture(fixtureFolders("transformer_").at(1));
    const WanTransformer transformer = fixture.build();
    const at::Tensor latents = fixture.latents().clone(), control = fixture.control().clone();
    const auto text = transformer.prepareText(fixture.text());
    const at::Tensor a = transformer(latents, 500, text, control, fixture.scales());
    const at::Tensor b = transformer(latents, 500, text, control, fixture.scales());
    CHECK(largestDifference(a, b) == 0);
    CHECK(largestDifference(latents, fixture.latents()) == 0);
    CHECK(largestDifference(control, fixture.control()) == 0);
}

TEST_CASE("a folder whose tensors do not fit names all of them", "[transformer][weights]") {
    const Fixture fixture(fixtureFolders("transformer_").at(0));
    TransformerConfig wrong = fixture.config;
    wrong.layers += 1;
    wrong.textDim += 1;
    const Weights view(fixture.weights, at::kMeta, at::kFloat);
    const WanTransformer transformer(view, wrong);
    std::string all;
    for (const Problem& problem : view.problems()) all += problem.message + "\n";
    CHECK(all.find("blocks.2.attn1.to_q.weight [24, 24] is missing") != std::string::npos);
    CHECK(all.find("condition_embedder.text_embedder.linear_1.weight is [24, 16], [24, 17]") !=
          std::string::npos);
    CHECK(view.problems().size() == 28);  // 27 of a block, 1 misshapen
    CHECK_THROWS_AS(view.throwIfProblems(), Error);
}

TEST_CASE("impossible configurations are refused, all faults at once", "[transformer][config]") {
    const Config config = Config::parse(
        R"({"patch_size": [1, 2], "vace_layers": [1, 99], "attention_head_dim": 7, "image_dim": 1280,
            "num_layers": 4, "unknown_key": {"a": []}})",
        "config.json");
    TransformerConfig::read(config);
    CHECK(config.problems().size() == 6);
    // Of those that see an image, what is not computed.
    const Config image = Config::parse(
        R"({"_class_name": "WanTransformer3DModel", "image_dim": 1280, "added_kv_proj_dim": 5119,
            "pos_embed_seq_len": 514})",
        "config.json");
    CHECK(TransformerConfig::read(image).seesImage());
    CHECK(image.problems().size() == 2);
}
