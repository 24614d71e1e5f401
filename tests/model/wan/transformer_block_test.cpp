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

namespace {

/// A block on paper, over tensors of the file alone: x [L, d], text [S, d], `seen` [L] tells which
/// tokens the self-attention looks at.
at::Tensor onPaper(const TensorSource& file, const TransformerConfig& config, const at::Tensor& x,
                   const at::Tensor& time, const at::Tensor& rope, const at::Tensor& text,
                   const at::Tensor& seen) {
    const auto weight = [&](const std::string& name) { return file.read("blocks.0." + name); };
    const auto linear = [&](const at::Tensor& in, const std::string& name) {
        return at::linear(in, weight(name + ".weight"), weight(name + ".bias"));
    };
    const auto rms = [&](const at::Tensor& in, const std::string& name) {
        return in * (in.pow(2).mean(-1, true) + config.eps).rsqrt() * weight(name + ".weight");
    };
    const auto norm = [&](const at::Tensor& in) {
        return (in - in.mean(-1, true)) * (in.var(-1, false, true) + config.eps).rsqrt();
    };
    const auto heads = [&](const at::Tensor& in) {
        return in.view({in.size(0), config.heads, config.headSize}).transpose(0, 1);
    };
    const auto turned = [&](const at::Tensor& in) {
        const at::Tensor pairs = at::view_as_complex(
            heads(in).contiguous().view({config.heads, -1, config.headSize / 2, 2}));
        return at::view_as_real(pairs * rope).flatten(-2);
    };
    const auto attended = [&](const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                              const at::Tensor& bias) {
        const at::Tensor scores =
            at::matmul(q, k.transpose(1, 2)) / std::sqrt(static_cast<double>(config.headSize));
        return at::matmul((scores + bias).softmax(-1), v).transpose(0, 1).flatten(1);
    };
    const auto m = (weight("scale_shift_table").squeeze(0) + time).unbind(0);
    const at::Tensor in = norm(x) * (m[1] + 1) + m[0];
    const at::Tensor bias = at::zeros({x.size(0)}).masked_fill(~seen, -INFINITY);
    const at::Tensor self = attended(turned(rms(linear(in, "attn1.to_q"), "attn1.norm_q")),
                                     turned(rms(linear(in, "attn1.to_k"), "attn1.norm_k")),
                                     heads(linear(in, "attn1.to_v")), bias);
    at::Tensor y = x + m[2] * linear(self, "attn1.to_out.0");
    const at::Tensor asked =
        config.crossAttnNorm ? norm(y) * weight("norm2.weight") + weight("norm2.bias") : y;
    const at::Tensor cross = attended(heads(rms(linear(asked, "attn2.to_q"), "attn2.norm_q")),
                                      heads(rms(linear(text, "attn2.to_k"), "attn2.norm_k")),
                                      heads(linear(text, "attn2.to_v")), at::zeros({1}));
    y = y + linear(cross, "attn2.to_out.0");
    const at::Tensor inner = linear(norm(y) * (m[4] + 1) + m[3], "ffn.net.0.proj");
    return y + m[5] * linear(at::gelu(inner, "tanh"), "ffn.net.2");
}

}  // namespace

TEST_CASE("a block of some tokens is a block whose attention sees no others",
          "[transformer][sparse]") {
    for (const int index : {0, 3}) {
        const std::filesystem::path folder = fixtureFolders("transformer_").at(index);
        INFO(folder.filename().string());
        const Config file = Config::read(folder / "config.json");
        const TransformerConfig config = TransformerConfig::read(file);
        const std::shared_ptr<const TensorSource> source =
            openSafetensors(folder / "tensors.safetensors");
        const TransformerBlock block(Weights(source, at::kCPU, at::kFloat) / "blocks" / "0",
                                     config);
        at::manual_seed(11);
        const int64_t tokens = 4 * 3 * 5;
        const at::Tensor table = ropeTable(config.headSize, {4, 3, 5});
        const at::Tensor time = at::randn({6, config.width()});
        const at::Tensor x = at::randn({tokens, config.width()}),
                         text = at::randn({6, config.width()});
        const at::Tensor kept = at::rand({tokens}) < 0.4;
        const at::Tensor rows = kept.nonzero().squeeze(1);
        const auto gathered = [&](const at::Tensor& from) {
            return block(x.index_select(0, from).unsqueeze(0), time, table.index_select(0, from),
                         block.textKeys(text.unsqueeze(0)), {}, TokenShare(Group(), from.size(0)))
                .squeeze(0);
        };
        const auto masked = [&](const at::Tensor& seen) {
            return onPaper(*source, config, x, time, table, text, seen);
        };
        const at::Tensor all = at::ones({tokens}, at::kBool);
        CHECK(largestDifference(gathered(at::arange(tokens)), masked(all)) < 1e-5);
        CHECK(largestDifference(gathered(rows), masked(kept).index_select(0, rows)) < 1e-5);
        CHECK(largestDifference(gathered(rows), masked(all).index_select(0, rows)) > 1e-3);
    }
}
