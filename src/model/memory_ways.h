#pragma once

namespace derrumbe::model {

/// What the matrices of the transformer's blocks are rounded to when they are loaded, and what is
/// multiplied with them at each step.
enum class Rounding { None, Int8, Fp8 };

/// Ways to work in less memory, each for some time. As it stands, everything that helps is kept.
struct MemoryWays {
    /// The transformer's blocks that stay in memory, the VACE branch's among them; the others are
    /// read whenever their turn comes, the next one in advance. -1: all stay.
    int transformerBlocks = -1;
    /// Latents a side of the tiles in which the VAE works; 0: the whole picture at once. Tiles
    /// change the order of sums, and so the last digits of the result.
    int encodeTile = 0, decodeTile = 0;
    /// Matrices of the transformer's blocks stay as small as their file has them, and are unpacked
    /// at each use.
    bool transformerPacked = false;
    /// Asked for, not chosen to fit: matrices of the transformer's blocks that are larger become
    /// that small, and stay packed. Changes the result.
    Rounding rounding = Rounding::None;
    /// Asked for, the same as `rounding` where it is not None: what is multiplied with those
    /// matrices at every step is rounded likewise, and the products are made of 8 bits. Changes the
    /// result.
    Rounding products = Rounding::None;
    /// Asked for: the VAE's convolutions multiply bfloat16, sums and all between in float32.
    /// Changes the result.
    bool vaeBfloat16 = false;

    /// Whether the pixels are those that a render without a limit makes, to the last bit.
    bool exact() const { return encodeTile == 0 && decodeTile == 0; }

    bool operator==(const MemoryWays&) const = default;
};

}  // namespace derrumbe::model
