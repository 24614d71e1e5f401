#pragma once

namespace derrumbe::model {

/// Ways to work in less memory, each for some time. As it stands, everything that helps is kept.
struct MemoryWays {
    /// The VAE leaves while the transformer works, and is read again for the decoding.
    bool vaeLeaves = false;
    /// Blocks that stay in memory, the VACE branch's among them; the others are read whenever their
    /// turn comes, the next one in advance. -1: all stay.
    int transformerBlocks = -1, textBlocks = -1;
    /// Latents a side of the tiles in which the VAE works; 0: the whole picture at once. Tiles
    /// change the order of sums, and so the last digits of the result.
    int encodeTile = 0, decodeTile = 0;

    /// Whether the pixels are those that a render without a limit makes, to the last bit.
    bool exact() const { return encodeTile == 0 && decodeTile == 0; }

    bool operator==(const MemoryWays&) const = default;
};

}  // namespace derrumbe::model
