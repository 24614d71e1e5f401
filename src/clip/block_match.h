#pragma once
#include <array>
#include <vector>

#include "support/frames.h"

namespace derrumbe::clip {

// Blocks of one picture, looked for in another: what followPlate is made of.

constexpr int kBlock = 13;  ///< their length, pixels
constexpr int kHalfBlock = kBlock / 2;
constexpr float kBlockPixels = kBlock * kBlock;

/// R, G, B of one frame, `[height][width]` each.
struct Planes {
    int height = 0, width = 0;
    std::array<std::vector<float>, 3> values;

    /// Whether the block around x, y lies inside.
    bool holdsBlock(int x, int y) const {
        return x >= kHalfBlock && y >= kHalfBlock && x + kHalfBlock < width &&
               y + kHalfBlock < height;
    }
};

/// One frame at 1 / `factor` of the size, means of whole pixels, low-passed by 1.4 pixels: a
/// model's picture is softer than what it is compared with. A sample that is no number counts as 0.
Planes planesToMatch(const Clip& clip, int frame, int factor);

/// A block, less its means.
struct Block {
    std::array<std::array<float, kBlock * kBlock>, 3> values{};
    float variance = 0;  ///< summed over the channels
};

/// The block around x, y, which has to lie inside.
Block blockAt(const Planes& planes, int x, int y);

/// How a block goes with a place of a picture: their normalised cross-correlation over all
/// channels, and the variance there, summed over them. -1 and 0 where the picture holds what is no
/// number.
struct Match {
    float correlation = -1, variance = 0;
};

/// Of the picture around x, y. The block has to lie inside.
Match match(const Block& block, const Planes& made, int x, int y);

/// What is left of the way when a block is found to whole pixels: one step of Lucas and Kanade ("An
/// Iterative Image Registration Technique", IJCAI 1981), the block with the contrast that it has
/// there. At most a pixel each way; nothing at the picture's edge.
std::array<float, 2> withinPixel(const Block& block, const Planes& made, int x, int y);

}  // namespace derrumbe::clip
