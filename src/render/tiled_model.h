#pragma once
#include <functional>
#include <vector>

#include "clip/tiles.h"
#include "model/video_model.h"

namespace derrumbe::render {

/// A model that sees a picture larger than its own size in overlapping tiles: at every evaluation
/// each tile is evaluated, and the velocities are blended by the tiles' weights, so that there is
/// one latent for the whole picture (MultiDiffusion, Bar-Tal et al. 2023). Where no tile lies the
/// velocity is 0, and a tile none of whose tokens are computed is left out. Everything but the
/// transformer works on the whole picture.
///
/// References are as large as a tile, and every tile sees the whole of them: their latent frames
/// stand in the upper left corner of the large ones, and their velocity is the tiles' mean.
class TiledModel : public model::VideoModel {
  public:
    using TileDone = std::function<void(size_t tile)>;  ///< counts from 1; may throw to stop

    /// `model` must outlive this one.
    TiledModel(model::VideoModel& model, std::vector<clip::Tile> tiles, int references,
               TileDone done);

    const model::Description& description() const override { return model_.description(); }
    std::vector<at::Tensor> encodePrompts(const std::vector<model::TokenIds>& prompts,
                                          const model::Tick& tick) override {
        return model_.encodePrompts(prompts, tick);
    }
    at::Tensor encodeImage(const at::Tensor& video) override { return model_.encodeImage(video); }
    at::Tensor encodeConditioning(const model::ConditioningInput& input,
                                  const model::Tick& tick) override {
        return model_.encodeConditioning(input, tick);
    }
    at::Tensor velocity(const model::Evaluation& evaluation) override;
    at::Tensor decode(const at::Tensor& latents, const model::Tick& tick) override {
        return model_.decode(latents, tick);
    }
    at::Tensor encode(const at::Tensor& video, const model::Tick& tick) override {
        return model_.encode(video, tick);
    }
    void release(Stage stage) override { model_.release(stage); }

  private:
    model::VideoModel& model_;
    std::vector<clip::Tile> tiles_;
    std::vector<at::Tensor> weights_;  ///< of each tile, [1, 1, 1, h, w]
    int references_;
    TileDone done_;
};

/// The part of latents [..., h, w] that a tile covers; a view.
at::Tensor tileOf(const at::Tensor& whole, const clip::Tile& tile);

}  // namespace derrumbe::render
