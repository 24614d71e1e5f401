#pragma once
#include <cstdint>
#include <vector>

#include "model/wan/vae_config.h"

namespace derrumbe::model {

// The VAE in tiles. What works at the latents' resolution, the attention among it, runs on the
// whole picture; what works at higher ones, which is where the memory goes, runs tile by tile, each
// with a margin as wide as its convolutions see. So nothing is left out and nothing is blended: a
// tiled result differs from a whole one by the order of sums in convolutions of another size.

/// A part of a picture, in latents: what is kept of it, and what is computed for that.
struct VaeTile {
    int64_t y = 0, x = 0, height = 0, width = 0;
    int64_t outerY = 0, outerX = 0, outerHeight = 0, outerWidth = 0;
};

/// Tiles of a picture of height x width latents, of even sizes up to `side` (0: the whole picture),
/// with `margin` latents around them as far as the picture goes. Rows first.
std::vector<VaeTile> vaeTiles(int64_t height, int64_t width, int64_t side, int64_t margin);

/// How far a latent of the encoder's, or a pixel of the decoder's, sees what is computed in tiles,
/// in latents, rounded up.
int64_t encodeMargin(const VaeConfig& vae);
int64_t decodeMargin(const VaeConfig& vae);

}  // namespace derrumbe::model
