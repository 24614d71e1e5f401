#include "render/tiled_model.h"

#include <catch2/catch.hpp>

#include "render/stages.h"
#include "shot_folder.h"

using namespace derrumbe;
using namespace derrumbe::render;

namespace {

/// A model that looks at one place at a time, and remembers what it was shown.
class PlaceModel : public model::VideoModel {
  public:
    model::Description about;
    std::vector<model::Evaluation> asked;
    const model::Description& description() const override { return about; }
    std::vector<at::Tensor> encodePrompts(const std::vector<model::TokenIds>&,
                                          const model::Tick&) override {
        return {};
    }
    at::Tensor encodeImage(const at::Tensor&) override { return {}; }
    at::Tensor encodeConditioning(const model::ConditioningInput&, const model::Tick&) override {
        return {};
    }
    at::Tensor velocity(const model::Evaluation& evaluation) override {
        asked.push_back(evaluation);
        return evaluation.latents * evaluation.promptEmbeds.view({-1, 1, 1, 1, 1}) +
               evaluation.conditioning.narrow(1, 0, evaluation.latents.size(1));
    }
    at::Tensor encode(const at::Tensor& video, const model::Tick&) override { return video; }
    at::Tensor decode(const at::Tensor& latents, const model::Tick&) override { return latents; }
    void release(Stage) override {}
};

model::Evaluation evaluation(int references, int height, int width) {
    at::manual_seed(3);
    model::Evaluation made;
    made.latents = at::randn({1, 3, references + 4, height, width});
    made.conditioning = at::randn({1, 5, references + 4, height, width});
    made.promptEmbeds = at::randn({2, 1, 1});
    made.timestep = 300;
    made.control = 1.5;
    return made;
}

}  // namespace

TEST_CASE("a velocity that does not look across the picture is the same in tiles", "[tiles]") {
    const auto asked = evaluation(0, 9, 14);
    PlaceModel place;
    const at::Tensor whole = place.velocity(asked);
    place.asked.clear();
    const std::vector<clip::Tile> tiles = clip::planTiles({0, 0, 9, 14}, 4, 6, 2);
    REQUIRE(tiles.size() > 8);
    std::vector<size_t> done;
    TiledModel tiled(place, tiles, 0, [&](size_t tile) { done.push_back(tile); });
    CHECK((tiled.velocity(asked) - whole).abs().max().item<float>() < 1e-5f);
    REQUIRE(place.asked.size() == tiles.size());
    REQUIRE(done.size() == tiles.size());
    CHECK(done.back() == tiles.size());
    for (size_t i = 0; i < tiles.size(); ++i) {
        CHECK(at::equal(place.asked[i].latents, tileOf(asked.latents, tiles[i])));
        CHECK(at::equal(place.asked[i].conditioning, tileOf(asked.conditioning, tiles[i])));
        CHECK(place.asked[i].timestep == 300);
        CHECK(place.asked[i].control == 1.5);
    }
}

TEST_CASE("every tile sees the references whole, and nothing moves where no tile lies", "[tiles]") {
    const auto asked = evaluation(2, 10, 12);
    const std::vector<clip::Tile> tiles = clip::planTiles({2, 4, 6, 8}, 4, 4, 2);
    REQUIRE(tiles.size() == 6);
    const clip::Tile corner{0, 0, 4, 4};
    PlaceModel place;
    const at::Tensor whole = place.velocity(asked);
    place.asked.clear();
    TiledModel tiled(place, tiles, 2, [](size_t) {});
    const at::Tensor made = tiled.velocity(asked);
    REQUIRE(made.sizes() == whole.sizes());
    for (const model::Evaluation& seen : place.asked) {
        CHECK(
            at::equal(seen.latents.narrow(2, 0, 2), tileOf(asked.latents, corner).narrow(2, 0, 2)));
        CHECK(at::equal(seen.conditioning.narrow(2, 0, 2),
                        tileOf(asked.conditioning, corner).narrow(2, 0, 2)));
    }
    const auto difference = [&](const clip::Tile& tile, int first, int frames) {
        return (tileOf(made, tile) - tileOf(whole, tile))
            .narrow(2, first, frames)
            .abs()
            .max()
            .item<float>();
    };
    CHECK(difference({2, 4, 6, 8}, 2, 4) < 1e-5f);
    CHECK(difference(corner, 0, 2) < 1e-5f);
    at::Tensor outside = made.clone();
    tileOf(outside.narrow(2, 2, 4), {2, 4, 6, 8}).zero_();
    tileOf(outside.narrow(2, 0, 2), corner).zero_();
    CHECK(outside.abs().max().item<float>() == 0);
}

TEST_CASE("a tile computes those of the kept tokens that lie in it, and none where none do",
          "[tiles][sparse]") {
    auto asked = evaluation(1, 8, 12);
    // Tokens of 2 x 2 latents: 5 frames of 4 x 6, the reference's all, of the others the upper left
    // ones and one on the right.
    at::Tensor all = at::zeros({5, 4, 6}, at::kBool);
    all.select(0, 0).fill_(true);
    all.narrow(0, 1, 4).narrow(1, 0, 2).narrow(2, 0, 2).fill_(true);
    all.index_put_({at::tensor(2), at::tensor(1), at::tensor(5)}, at::ones({}, at::kBool));
    asked.kept = all.flatten().nonzero().squeeze(1);
    PlaceModel place;
    const std::vector<clip::Tile> tiles = clip::planTiles({0, 0, 8, 12}, 4, 4, 0);
    REQUIRE(tiles.size() == 6);
    TiledModel tiled(place, tiles, 1, [](size_t) {});
    const at::Tensor made = tiled.velocity(asked);
    REQUIRE(place.asked.size() == 2);  // the first tile, and the right one of the upper row
    CHECK(place.asked[0].kept.size(0) == 4 + 4 * 4);
    CHECK(at::equal(place.asked[0].kept, at::arange(20)));
    // The second one: the reference's four, and in the second frame after it the upper tile's
    // lower right token.
    CHECK(at::equal(place.asked[1].kept, at::tensor({0, 1, 2, 3, 11}, at::kLong)));
    CHECK(made.narrow(3, 4, 4).narrow(2, 1, 4).abs().max().item<float>() == 0);
    const at::Tensor whole = PlaceModel().velocity(asked);
    CHECK((tileOf(made, {0, 0, 4, 4}).narrow(2, 0, 1) - tileOf(whole, {0, 0, 4, 4}).narrow(2, 0, 1))
              .abs()
              .max()
              .item<float>() < 1e-5f);
}

TEST_CASE("one tile is no tiling, to the last bit", "[tiles]") {
    const auto folder = ShotFolder::fixtureModel();
    const auto model = model::loadVideoModel(folder, {});
    const model::Description& about = model->description();
    at::manual_seed(9);
    model::Evaluation asked;
    asked.latents = at::randn({1, about.latentChannels, 3, 4, 6});
    model::ConditioningInput clip;
    clip.video = at::rand({1, 3, 5, 32, 48}) * 2 - 1;
    clip.mask = (at::rand({1, 1, 5, 32, 48}) > 0.5).to(at::kFloat);
    clip.references = {at::rand({1, 3, 1, 32, 48}) * 2 - 1};
    asked.conditioning = model->encodeConditioning(clip, {});
    asked.promptEmbeds = at::randn({2, about.textLength, about.textWidth});
    asked.timestep = 400;
    TiledModel tiled(*model, {{0, 0, 4, 6}}, 1, [](size_t) {});
    CHECK(at::equal(tiled.velocity(asked), model->velocity(asked)));
    CHECK(tiled.velocity(asked).abs().max().item<float>() > 0);
}
