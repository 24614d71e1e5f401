#include "model/wan/held_conditioning.h"

#include <catch2/catch.hpp>

#include "model/video_model.h"

using namespace derrumbe;
using namespace derrumbe::model;

TEST_CASE("an image-to-video model is shown the frames up to the first that changes", "[held]") {
    const auto model = loadVideoModel(
        std::filesystem::path(DERRUMBE_TEST_DATA) / "image_to_video_0", {at::kCPU, "float32"});
    at::manual_seed(8);
    ConditioningInput input;
    input.video = at::rand({1, 3, 9, 32, 32}) * 2 - 1;
    for (const int64_t given : {1, 3, 6, 9}) {
        INFO(given);
        input.mask = at::zeros({1, 1, 9, 32, 32});
        if (given < 9) input.mask[0][0][given][20][3] = 1;
        const at::Tensor made = model->encodeConditioning(input, {});
        REQUIRE(made.sizes() == at::IntArrayRef({1, 13, 3, 4, 4}));
        // Four channels a latent are its frames; the first latent has the first frame four times.
        const at::Tensor shown = made.narrow(1, 5, 4).transpose(1, 2).reshape({12, 16});
        CHECK(shown.sum().item<float>() == 16.f * static_cast<float>(given + 3));
        CHECK(shown.narrow(0, 0, given + 3).min().item<float>() == 1);
        // All given: the condition is the plate; else its end is not.
        const at::Tensor plate = made.narrow(1, 0, 4), condition = made.narrow(1, 9, 4);
        CHECK(at::equal(plate, condition) == (given == 9));
        CHECK(at::allclose(plate.select(2, 0), condition.select(2, 0), 1e-5, 1e-5));
    }
    // The first frame is shown even where it is to change.
    input.mask = at::ones({1, 1, 9, 32, 32});
    const at::Tensor made = model->encodeConditioning(input, {});
    CHECK(made.narrow(1, 5, 4).sum().item<float>() == 16.f * 4);
    CHECK(model->description().family == "wan-i2v");
    CHECK_FALSE(model->encodeImage(input.video).defined());
}

TEST_CASE("a model with an image encoder sees the first frame beside its prompts", "[held]") {
    const auto model = loadVideoModel(
        std::filesystem::path(DERRUMBE_TEST_DATA) / "image_to_video_1", {at::kCPU, "float32"});
    CHECK(model->description().family == "wan-i2v");
    CHECK(model->description().imageTokens == 17);
    at::manual_seed(9);
    const at::Tensor video = at::rand({1, 3, 5, 32, 48}) * 2 - 1;
    at::Tensor later = video.clone();
    later.narrow(2, 1, 4).zero_();
    const at::Tensor image = model->encodeImage(video);
    REQUIRE(image.sizes() == at::IntArrayRef({1, 17, 32}));
    CHECK(at::equal(model->encodeImage(later), image));
    const at::Tensor other = model->encodeImage(-video);
    CHECK_FALSE(at::equal(other, image));

    const at::Tensor latents = at::randn({1, 4, 2, 4, 6}), shown = at::randn({1, 13, 2, 4, 6}),
                     prompts = at::randn({2, 8, 16});
    const auto velocity = [&](const at::Tensor& seen, const at::Tensor& words) {
        return model->velocity({latents, 700, words, shown, 1, {}, {}, seen});
    };
    const at::Tensor both = velocity(image, prompts);
    CHECK((velocity(other, prompts) - both).abs().max().item<float>() > 1e-3);
    // The last one's keys are kept: going back to another is not to be shown the last.
    CHECK(at::equal(velocity(image, prompts), both));
    for (const int64_t i : {0, 1})
        CHECK(at::allclose(velocity(image, prompts.narrow(0, i, 1)), both.narrow(0, i, 1), 1e-4,
                           1e-5));
    CHECK_THROWS_AS(velocity({}, prompts + 1), Error);
}

TEST_CASE("a latent is held only where all of its pixels and frames are known", "[held]") {
    // One pixel of one frame at a time: the latent that stands for it, and no other.
    for (const int64_t frame : {0, 1, 4, 5, 8}) {
        for (const int64_t row : {0, 7, 8, 15}) {
            at::Tensor mask = at::zeros({1, 1, 9, 16, 24});
            mask[0][0][frame][row][17] = 0.25f;  // soft edges are generated, too
            const at::Tensor latents = latentMask(mask, 8);
            REQUIRE(latents.sizes() == at::IntArrayRef({1, 1, 3, 2, 3}));
            CHECK(latents.sum().item<float>() == 1);
            CHECK(latents[0][0][(frame + 3) / 4][row / 8][2].item<float>() == 1);
        }
    }
    CHECK(latentMask(at::ones({1, 1, 5, 8, 8}), 4).sum().item<float>() == 8);
    CHECK(latentMask(at::zeros({1, 1, 1, 8, 8}), 8).sum().item<float>() == 0);
}
