#include "render/tiled_model.h"

#include <array>
#include <utility>

namespace derrumbe::render {

namespace {

/// What the model sees of latents [1, C, R + T, h, w] in a tile: the references from their corner,
/// the clip from the tile's place.
at::Tensor seenBy(const clip::Tile& tile, const at::Tensor& whole, int references) {
    const at::Tensor part =
        tileOf(whole.narrow(2, references, whole.size(2) - references), tile).contiguous();
    if (references == 0) return part;
    const clip::Tile corner{0, 0, tile.height, tile.width};
    return at::cat({tileOf(whole.narrow(2, 0, references), corner), part}, 2);
}

/// Of the tokens of the whole picture that are computed (as model::Evaluation::kept, of latents
/// `sizes`), those in a tile, by their numbers in it; undefined: all. `any` says whether there are
/// some beside the references'.
at::Tensor keptIn(const clip::Tile& tile, const at::Tensor& kept, at::IntArrayRef sizes,
                  const std::array<int, 3>& patch, int references, bool& any) {
    any = true;
    if (!kept.defined()) return {};
    const int64_t frames = sizes[2] / patch[0], rows = sizes[3] / patch[1],
                  columns = sizes[4] / patch[2];
    const at::Tensor all =
        at::zeros({frames * rows * columns}, at::kBool).index_fill_(0, kept, true);
    const clip::Tile tokens{tile.y / patch[1], tile.x / patch[2], tile.height / patch[1],
                            tile.width / patch[2]};
    const at::Tensor seen =
        seenBy(tokens, all.view({1, 1, frames, rows, columns}), references / patch[0]);
    any = seen.narrow(2, references / patch[0], frames - references / patch[0]).any().item<bool>();
    return seen.flatten().nonzero().squeeze(1).contiguous();
}

}  // namespace

at::Tensor tileOf(const at::Tensor& whole, const clip::Tile& tile) {
    return whole.narrow(-2, tile.y, tile.height).narrow(-1, tile.x, tile.width);
}

TiledModel::TiledModel(model::VideoModel& model, std::vector<clip::Tile> tiles, int references,
                       TileDone done)
    : model_(model), tiles_(std::move(tiles)), references_(references), done_(std::move(done)) {
    const std::vector<std::vector<float>> weights = clip::tileWeights(tiles_);
    for (size_t i = 0; i < tiles_.size(); ++i)
        weights_.push_back(
            at::tensor(weights[i], at::kFloat).view({1, 1, 1, tiles_[i].height, tiles_[i].width}));
}

at::Tensor TiledModel::velocity(const model::Evaluation& evaluation) {
    const at::Tensor& latents = evaluation.latents;
    const int64_t frames = latents.size(2) - references_;
    std::vector<int64_t> sizes = latents.sizes().vec();
    sizes[0] = evaluation.promptEmbeds.size(0);
    at::Tensor velocity = at::zeros(sizes, at::kFloat);
    double evaluated = 0;
    for (size_t i = 0; i < tiles_.size(); ++i) {
        const clip::Tile& tile = tiles_[i];
        model::Evaluation part = evaluation;
        bool any = true;
        part.kept = keptIn(tile, evaluation.kept, latents.sizes(), model_.description().patch,
                           references_, any);
        if (!any) continue;
        part.latents = seenBy(tile, latents, references_);
        part.conditioning = seenBy(tile, evaluation.conditioning, references_);
        const at::Tensor made = model_.velocity(part);
        tileOf(velocity.narrow(2, references_, frames), tile)
            .add_(made.narrow(2, references_, frames) * weights_[i]);
        if (references_ > 0)
            tileOf(velocity.narrow(2, 0, references_), {0, 0, tile.height, tile.width})
                .add_(made.narrow(2, 0, references_));
        ++evaluated;
        done_(i + 1);
    }
    if (references_ > 0 && evaluated > 0) velocity.narrow(2, 0, references_).div_(evaluated);
    return velocity;
}

}  // namespace derrumbe::render
