#include "model/wan/transformer.h"

#include <cmath>

#include "model/layers/norm.h"
#include "model/layers/rope.h"
#include "support/error.h"

namespace derrumbe::model {

WanTransformer::WanTransformer(const Weights& weights, const TransformerConfig& config,
                               const BlockWays& ways)
    : config_(config),
      device_(weights.device()),
      dtype_(weights.dtype()),
      patch_(weights / "patch_embedding", config, config.inChannels),
      embedder_(weights / "condition_embedder", config),
      projOut_(weights / "proj_out", config.width(), config.outChannels * config.patchVolume()),
      table_(weights.tensor("scale_shift_table", {1, 2, config.width()}, at::kFloat).squeeze(0)) {
    if (config.hasVace()) {
        vacePatch_.emplace(weights / "vace_patch_embedding", config, config.vaceInChannels);
        vaceProjIn_ = Linear(weights / "vace_blocks.0.proj_in", config.width(), config.width());
    }
    for (int i = 0, hint = 0; i < config.layers; ++i) {
        order_.push_back({false, i});
        if (hint < static_cast<int>(config.vaceLayers.size()) && config.vaceLayers[hint] == i)
            order_.push_back({true, hint++});
    }
    blocks_ = makeBlocks(weights, ways);
}

Blocks<WanTransformer::Block> WanTransformer::makeBlocks(const Weights& weights,
                                                         const BlockWays& ways) const {
    const auto make = [order = order_, config = config_, products = ways.products](
                          const Weights& from, size_t index) {
        const Turn turn = order[index];
        const Weights scope = from / (turn.vace ? "vace_blocks" : "blocks") / turn.index;
        Block block{TransformerBlock(scope.withProducts(products), config), {}};
        if (turn.vace) block.projOut = Linear(scope / "proj_out", config.width(), config.width());
        return block;
    };
    const bool all = ways.resident < 0;
    Weights from = all ? weights : weights.readingAhead();
    if (ways.packed) from = from.keepingPacked();
    return {order_.size(), all ? order_.size() : static_cast<size_t>(ways.resident),
            [from, make](size_t index) { return make(from, index); }};
}

namespace {

/// Rows up to the last that is not zero in some prompt of the batch.
int64_t wordRows(const at::Tensor& embeds) {
    const at::Tensor used = embeds.ne(0).any(-1).any(0).nonzero();
    return used.numel() == 0 ? 0 : used.max().item<int64_t>() + 1;
}

/// Scores, all representable in `dtype`, whose exponentials add up to `count`: ln(count) alone
/// where the dtype is exact enough, one or two keys more in half precision.
std::vector<double> foldedScores(int64_t count, at::ScalarType dtype) {
    std::vector<double> scores;
    double rest = static_cast<double>(count);
    while (rest > 1e-6 * static_cast<double>(count) && scores.size() < 4) {
        const auto rounded = [&](double value) {
            return at::full({}, value, at::kDouble).to(dtype).to(at::kDouble).item<double>();
        };
        double score = rounded(std::log(rest));
        if (std::exp(score) > rest * (1 + 1e-6))
            score = rounded(score - std::abs(score) * 0x1p-8 - 1e-3);
        scores.push_back(score);
        rest -= std::exp(score);
    }
    return scores;
}

}  // namespace

ImageContext WanTransformer::prepareImage(const at::Tensor& tokens) const {
    if (!embedder_.image || tokens.dim() != 3 || tokens.size(0) != 1 ||
        tokens.size(2) != config_.imageDim)
        throw Error(ExitCode::Internal, "an image's tokens do not fit the transformer");
    const at::Tensor image =
        (*embedder_.image)(tokens.to(at::TensorOptions(dtype_).device(device_)));
    ImageContext context;
    for (size_t turn = 0; turn < blocks_.size(); ++turn)
        context.push_back(blocks_[turn]->block.imageKeys(image));
    return context;
}

TextContext WanTransformer::prepareText(const at::Tensor& embeds, const ImageContext& image) const {
    if (embeds.dim() != 3 || embeds.size(2) != config_.textDim)
        throw Error(ExitCode::Internal, "prompt embeddings do not fit the transformer");
    if (image.size() != (config_.seesImage() ? blocks_.size() : 0))
        throw Error(ExitCode::Internal, config_.seesImage()
                                            ? "the transformer has to be shown an image"
                                            : "the transformer is shown no image");
    TextContext context;
    at::Tensor rows = embeds.to(at::TensorOptions(dtype_).device(device_));
    const int64_t words = wordRows(embeds), padding = embeds.size(1) - words;
    if (padding > 1) {
        const std::vector<double> scores = foldedScores(padding, dtype_);
        const int64_t kept = words + static_cast<int64_t>(scores.size());
        if (kept < embeds.size(1)) {
            rows = rows.narrow(1, 0, kept);
            const at::Tensor bias = at::zeros({kept}, at::kDouble);
            bias.narrow(0, words, kept - words).copy_(at::tensor(scores, at::kDouble));
            context.bias = bias.to(at::TensorOptions(dtype_).device(device_)).view({1, 1, 1, kept});
        }
    }
    const at::Tensor text = embedder_.text(rows);
    for (size_t turn = 0; turn < blocks_.size(); ++turn)
        context.blocks.push_back(blocks_[turn]->block.textKeys(text));
    for (size_t turn = 0; turn < image.size(); ++turn) context.blocks[turn].image = image[turn];
    return context;
}

at::Tensor WanTransformer::operator()(const at::Tensor& latents, double timestep,
                                      const TextContext& text, const at::Tensor& control,
                                      std::span<const double> hintScales, const Group& group,
                                      const at::Tensor& kept) const {
    if (hintScales.size() != config_.vaceLayers.size())
        throw Error(ExitCode::Internal, "one hint scale a VACE layer was expected");
    const at::TensorOptions compute = at::TensorOptions(dtype_).device(device_);
    size_t hints = hintScales.size();  // hints past the last that counts need not be made
    while (hints > 0 && hintScales[hints - 1] == 0) --hints;

    const at::Tensor wholeTable =
        rope({latents.size(2) / config_.patch[0], latents.size(3) / config_.patch[1],
              latents.size(4) / config_.patch[2]});
    const at::Tensor rows = kept.defined() ? kept.to(device_) : at::Tensor();
    const at::Tensor keptTable = rows.defined() ? wholeTable.index_select(0, rows) : wholeTable;
    const TokenShare tokens(group, keptTable.size(0));
    const at::Tensor table = tokens.ownRows(keptTable);
    const ConditionEmbedder::Time time = embedder_.time(timestep);
    at::Tensor x = tokens.own(patch_(latents.to(compute), rows));
    at::Tensor c;
    if (hints > 0)
        c = vaceProjIn_(tokens.own(embedControl(control.to(compute), latents, rows))).add_(x);
    size_t hint = 0;
    for (size_t turn = 0; turn < blocks_.size(); ++turn) {
        if (!order_[turn].vace) {
            const auto main = blocks_[turn];
            x = main->block(std::move(x), time.modulation, table, text.blocks[turn], text.bias,
                            tokens);
        } else if (hint < hints) {
            const auto vace = blocks_[turn];
            c = vace->block(std::move(c), time.modulation, table, text.blocks[turn], text.bias,
                            tokens);
            if (hintScales[hint] != 0) x.add_(vace->projOut(c), hintScales[hint]);
            ++hint;
        }
    }
    const std::vector<at::Tensor> m = (table_ + time.embedding).unbind(0);  // shift, scale
    at::Tensor velocity = tokens.all(projOut_(layerNorm32(x, m[1] + 1, m[0], config_.eps)));
    if (rows.defined())
        velocity =
            at::zeros({velocity.size(0), wholeTable.size(0), velocity.size(2)}, velocity.options())
                .index_copy_(1, rows, velocity);
    return unpatchify(velocity, latents);
}

at::Tensor WanTransformer::embedControl(const at::Tensor& control, const at::Tensor& latents,
                                        const at::Tensor& kept) const {
    if (control.size(2) > latents.size(2))
        throw Error(ExitCode::Internal, "the conditioning is longer than the latents");
    if (control.size(2) == latents.size(2)) return (*vacePatch_)(control, kept);
    // Tokens that it does not reach are 0, without the embedding's bias.
    const int64_t missing = (latents.size(2) - control.size(2)) / config_.patch[0] *
                            (latents.size(3) / config_.patch[1]) *
                            (latents.size(4) / config_.patch[2]);
    const at::Tensor all = at::constant_pad_nd((*vacePatch_)(control), {0, 0, 0, missing});
    return kept.defined() ? all.index_select(1, kept) : all;
}

at::Tensor WanTransformer::rope(const std::array<int64_t, 3>& sizes) const {
    const std::lock_guard<std::mutex> lock(rope_->mutex);
    if (!rope_->table.defined() || rope_->sizes != sizes) {
        rope_->table = ropeTable(config_.headSize, sizes, config_.ropeLongest).to(device_);
        rope_->sizes = sizes;
    }
    return rope_->table;
}

at::Tensor WanTransformer::unpatchify(const at::Tensor& tokens, const at::Tensor& latents) const {
    const auto [pt, ph, pw] = config_.patch;
    const int64_t t = latents.size(2) / pt, rows = latents.size(3) / ph,
                  columns = latents.size(4) / pw;
    return tokens.to(at::kFloat)
        .view({tokens.size(0), t, rows, columns, pt, ph, pw, config_.outChannels})
        .permute({0, 7, 1, 4, 2, 5, 3, 6})
        .reshape({tokens.size(0), config_.outChannels, t * pt, rows * ph, columns * pw});
}

}  // namespace derrumbe::model
