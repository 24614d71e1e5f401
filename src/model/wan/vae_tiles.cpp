#include "model/wan/vae_tiles.h"

#include <algorithm>

namespace derrumbe::model {

namespace {

/// One axis of a tile.
struct Span {
    int64_t start = 0, length = 0, outerStart = 0, outerLength = 0;
};

std::vector<Span> spans(int64_t length, int64_t side, int64_t margin) {
    const int64_t count = side <= 0 ? 1 : (length + side - 1) / side;
    std::vector<Span> all;
    for (int64_t i = 0; i < count; ++i) {
        const int64_t start = i * length / count, end = (i + 1) * length / count;
        const int64_t outer = std::max<int64_t>(0, start - margin);
        all.push_back({start, end - start, outer, std::min(length, end + margin) - outer});
    }
    return all;
}

int64_t inLatents(int64_t pixels, const VaeConfig& vae) {
    const int64_t scale = int64_t{1} << (vae.stages() - 1);
    return (pixels + scale - 1) / scale;
}

}  // namespace

std::vector<VaeTile> vaeTiles(int64_t height, int64_t width, int64_t side, int64_t margin) {
    std::vector<VaeTile> tiles;
    for (const Span& row : spans(height, side, margin))
        for (const Span& column : spans(width, side, margin))
            tiles.push_back({row.start, column.start, row.length, column.length, row.outerStart,
                             column.outerStart, row.outerLength, column.outerLength});
    return tiles;
}

// Counted in pixels of the patched picture: a convolution of 3 x 3 sees one pixel of its own
// resolution to each side.

int64_t encodeMargin(const VaeConfig& vae) {
    int64_t seen = 1, pixel = 1;  // conv_in
    for (int64_t stage = 0; stage + 1 < vae.stages(); ++stage, pixel *= 2)
        seen += (2 * vae.residualBlocks + 1) * pixel;  // its blocks, and the halving one
    return inLatents(seen, vae);
}

int64_t decodeMargin(const VaeConfig& vae) {
    int64_t seen = 1, pixel = int64_t{1} << (vae.stages() - 1);  // conv_out
    for (int64_t stage = 0; stage < vae.stages(); ++stage, pixel /= 2) {
        // Blocks of the first stage are at the latents' resolution; the residual form, which adds
        // the stage's input to its doubled output, has them in tiles.
        if (stage > 0 || vae.residual) seen += 2 * (vae.residualBlocks + 1) * pixel;
        if (stage + 1 < vae.stages()) seen += pixel / 2;  // the one after the doubling
    }
    return inLatents(seen, vae);
}

}  // namespace derrumbe::model
