#include <algorithm>
#include <cmath>

#include "model/description.h"

namespace derrumbe::model {

namespace {

constexpr double kProcessBytes = 0.32e9;  ///< libraries, code, allocator

/// A stage's memory with what the allocator keeps of what the stage has freed: glibc trims its heap
/// above 64 MiB, which a small stage does not come to.
double withKept(double bytes) {
    return bytes + std::min(64.0 * 1024 * 1024, bytes / 2);
}

/// Bytes of `blocks` blocks of which `resident` stay (-1: all) and two of the others are in memory.
double blockBytes(int blocks, int resident, double bytes) {
    return bytes * (resident < 0 ? blocks : std::min(blocks, resident + 2));
}

/// In memory, as the parts are computed with: the image encoder and the VAE always in float32.
struct Weights {
    double text = 0, image = 0, vae = 0, transformer = 0;
    double all = 0;  ///< whatever stays where
};

/// Bytes of one number of a block's matrices.
double matrixBytes(const Description::Matrices& m, int dtypeBytes, bool packed, Rounding rounding) {
    if (m.numbers == 0) return dtypeBytes;
    const double inFile = static_cast<double>(m.bytes) / static_cast<double>(m.numbers);
    double bytes = dtypeBytes;
    if (packed || rounding != Rounding::None) bytes = std::min(bytes, inFile);
    // One scale a row is next to nothing.
    if (rounding != Rounding::None) bytes = std::min(bytes, std::min(1.01, inFile));
    return bytes;
}

/// What is unpacked at a time.
double unpackedBytes(const Description::Matrices& m, int dtypeBytes, bool packed) {
    return packed ? static_cast<double>(m.largest) * dtypeBytes : 0;
}

Weights weightBytes(const Description& m, int dtypeBytes, const MemoryWays& ways) {
    const double d = double{1} * m.heads * m.headSize;
    // A block of the transformer: attentions with norms, feed-forward, modulation, a norm, and
    // where it sees an image keys, values and a norm of that; the VACE branch's has one product
    // more.
    const double image = m.imageTokens > 0 ? 2 * (d * d + d) + d : 0;
    const double block =
        8 * (d * d + d) + 4 * d + 2 * d * m.ffn + m.ffn + d + 6 * d + 2 * d + image;
    const double vace = m.vaceLayers > 0 ? block + d * d + d : 0;
    const double blocks = m.layers * block + m.vaceLayers * vace;
    const bool packed = ways.transformerPacked || ways.rounding != Rounding::None;
    const auto transformer = [&](std::uint64_t parameters, const Description::Matrices& matrices) {
        if (parameters == 0) return 0.0;
        const double rest = std::max(0.0, static_cast<double>(parameters) - blocks);
        const double streamed =
            blockBytes(transformerBlocks(m), ways.transformerBlocks, std::max(block, vace));
        // Nearly all of a block is matrices.
        return dtypeBytes * rest +
               matrixBytes(matrices, dtypeBytes, ways.transformerPacked, ways.rounding) *
                   std::min(blocks, streamed) +
               unpackedBytes(matrices, dtypeBytes, packed);
    };
    Weights bytes;
    // Of a pair of experts one is in memory at a time.
    bytes.transformer =
        std::max(transformer(m.transformerParameters, m.transformerMatrices),
                 transformer(m.secondTransformerParameters, m.secondTransformerMatrices));
    bytes.vae = static_cast<double>(m.vaeParameters) * 4;
    bytes.image = static_cast<double>(m.imageParameters) * 4;
    // Of the table only the rows of a prompt are read.
    const double numbers = static_cast<double>(m.textParameters - m.textEmbeddingParameters);
    const int layers = std::max(1, m.textLayers);
    bytes.text = blockBytes(layers, 0, numbers * dtypeBytes / layers);
    bytes.all =
        dtypeBytes * static_cast<double>(m.transformerParameters + m.secondTransformerParameters) +
        bytes.vae + bytes.image + dtypeBytes * numbers;
    return bytes;
}

/// The largest tile of the VAE's with its margins, and all of them, in pixels; one is the whole
/// picture where `side` (latents) is 0.
struct Tiles {
    double largest = 0, all = 0;
    bool whole = true;
};

Tiles tilesOf(const Description& m, int height, int width, int side, int margin) {
    const auto axis = [&](int length, int& count) {
        const int latents = length / m.spatialScale;
        count = side == 0 ? 1 : (latents + side - 1) / side;
        const int outer = (latents + count - 1) / count + 2 * margin;
        return double{1} * (count == 1 ? length : std::min(length, outer * m.spatialScale));
    };
    int rows = 1, columns = 1;
    const double tall = axis(height, rows), wide = axis(width, columns);
    return {tall * wide, tall * wide * rows * columns, rows * columns == 1};
}

/// Numbers alive at the peak of a way through the VAE.
double vaeValues(const Tiles& tiles, double pixels, double latentFrames,
                 const Description::VaeCost::Alive& alive, double rest, double features) {
    constexpr std::int64_t kChunk = 4;
    const auto of = [&](double area) {
        const auto frames = std::min(kChunk, framesTogether(std::llround(area * alive.width)));
        return area * (alive.values + static_cast<double>(frames) * alive.frame);
    };
    if (tiles.whole) return of(pixels);
    return rest * pixels + features * pixels * latentFrames + of(tiles.largest);
}

}  // namespace

int transformerBlocks(const Description& model) {
    return model.layers + model.vaceLayers;
}

double forwardFlops(const Description& m, std::int64_t count) {
    const double tokens = static_cast<double>(count), d = double{1} * m.heads * m.headSize;
    const double context = std::min(m.textLength, kPromptTokens) + m.imageTokens;
    // self-attention: four products; cross-attention: two; feed-forward: two
    const double block = 2 * tokens * (6 * d * d + 2 * d * m.ffn) + 4 * tokens * tokens * d +
                         4 * context * tokens * d;
    return transformerBlocks(m) * block +
           2 * tokens * d * d * (m.vaceLayers > 0 ? m.vaceLayers + 1 : 0);
}

// Counted by structure; the formula of a block and its figures for the published sizes are in the
// test. One multiplication with its addition is two FLOPs.
Estimate estimate(const Description& m, int frames, int height, int width, int references,
                  int dtypeBytes, int clipFrames, const MemoryWays& ways, std::int64_t keptTokens) {
    Estimate e;
    const double whole = std::max(frames, clipFrames);
    const int latentFrames = (frames - 1) / m.temporalScale + 1 + references;
    e.tokens = int64_t{latentFrames} / m.patch[0] * (height / m.spatialScale / m.patch[1]) *
               (width / m.spatialScale / m.patch[2]);
    if (keptTokens > 0) e.tokens = keptTokens;
    const double tokens = static_cast<double>(e.tokens), d = double{1} * m.heads * m.headSize;
    e.forwardFlops = forwardFlops(m, e.tokens);

    const double pixels = static_cast<double>(height) * width;
    // the inactive and the reactive clip (or the plate alone), and each reference
    const double clips = m.heldByNoise ? 1 : 2;
    // Tiles do the work of their margins as well.
    const Tiles encodeTiles = tilesOf(m, height, width, ways.encodeTile, m.vaeCost.encodeMargin);
    const Tiles decodeTiles = tilesOf(m, height, width, ways.decodeTile, m.vaeCost.decodeMargin);
    e.encodeFlops = m.vaeCost.encodeFlops * encodeTiles.all * (clips * whole + references) +
                    2 * static_cast<double>(m.imageParameters) * m.imageTokens;
    e.decodeFlops = m.vaeCost.decodeFlops * decodeTiles.all * whole;
    e.textFlops =
        2 * static_cast<double>(m.textParameters - m.textEmbeddingParameters) * kPromptTokens;

    const Weights weights = weightBytes(m, dtypeBytes, ways);
    e.weightBytes = weights.all;
    // Both branches of guidance at once where they are small.
    const auto batch = static_cast<double>(promptsTogether(2, e.tokens));
    // In a block: x, hints and their branch; then either keys and values of all tokens, and of
    // those that are worked on at once two more with float32 temporaries, or the feed-forward's
    // inner width of these.
    const double atOnce = std::min(tokens, double{kTokensAtOnce});
    const double live =
        batch * (3 * tokens * d * dtypeBytes +
                 std::max(2 * tokens * d * dtypeBytes + atOnce * (2 * d * dtypeBytes + 2 * d * 4),
                          atOnce * (m.ffn * double{1} * dtypeBytes + d * 4)));
    // An image's keys and values of all blocks, which stay.
    const double imageKeys = 2.0 * m.imageTokens * m.layers * d * dtypeBytes;
    // Floats a pixel and frame of the whole clip: picture, mask and conditioning all along; their
    // tensors and the two cut clips while encoding; the video and its copy after decoding.
    const double clip = pixels * whole * 4;
    const Description::VaeCost& vae = m.vaeCost;
    const double latents = (whole - 1) / m.temporalScale + 1;
    const double encode = 4 * vaeValues(encodeTiles, pixels, latents, vae.encodeAlive,
                                        vae.encodeRest, vae.encodeFeatures) +
                          9 * clip;
    const double decode = 4 * vaeValues(decodeTiles, pixels, latents, vae.decodeAlive,
                                        vae.decodeRest, vae.decodeFeatures) +
                          6 * clip;
    e.heldBytes = kProcessBytes + 5 * clip;
    // Each part goes before the next one comes.
    e.textBytes = withKept(weights.text);
    e.encodeBytes = std::max(withKept(weights.image + clip), weights.vae + encode);
    e.denoiseBytes = withKept(weights.transformer + live + imageKeys);
    e.decodeBytes = weights.vae + decode;  // what the allocator keeps is in the VAE's figures
    e.peakBytes =
        e.heldBytes + std::max({e.textBytes, e.encodeBytes, e.denoiseBytes, e.decodeBytes});
    return e;
}

}  // namespace derrumbe::model
