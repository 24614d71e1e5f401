#include "model/wan/held_conditioning.h"

#include <catch2/catch.hpp>

using namespace derrumbe;
using namespace derrumbe::model;

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
