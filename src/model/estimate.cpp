#include <algorithm>

#include "model/description.h"

namespace derrumbe::model {

namespace {

constexpr double kPromptTokens = 64;     ///< a long prompt; padding is not run
constexpr double kProcessBytes = 0.6e9;  ///< libraries, code, allocator

}  // namespace

// Counted by structure; the formula of a block and its figures for the published sizes are in the
// test. One multiplication with its addition is two FLOPs.
Estimate estimate(const Description& m, int frames, int height, int width, int references,
                  int dtypeBytes, int clipFrames) {
    Estimate e;
    const double whole = std::max(frames, clipFrames);
    const int latentFrames = (frames - 1) / m.temporalScale + 1 + references;
    e.tokens = int64_t{latentFrames} / m.patch[0] * (height / m.spatialScale / m.patch[1]) *
               (width / m.spatialScale / m.patch[2]);
    const double tokens = static_cast<double>(e.tokens), d = double{1} * m.heads * m.headSize;
    const double blocks = m.layers + m.vaceLayers;
    const double text = m.textLength;
    // self-attention: four products; cross-attention: two; feed-forward: two
    const double block =
        2 * tokens * (6 * d * d + 2 * d * m.ffn) + 4 * tokens * tokens * d + 4 * text * tokens * d;
    e.forwardFlops =
        blocks * block + 2 * tokens * d * d * (m.vaceLayers > 0 ? m.vaceLayers + 1 : 0);

    const double pixels = static_cast<double>(height) * width;
    // the inactive and the reactive clip (or the plate alone), and each reference
    const double clips = m.heldByNoise ? 1 : 2;
    e.encodeFlops = m.vaeCost.encodeFlops * pixels * (clips * whole + references);
    e.decodeFlops = m.vaeCost.decodeFlops * pixels * whole;
    e.textFlops =
        2 * static_cast<double>(m.textParameters - m.textEmbeddingParameters) * kPromptTokens;

    // Weights of the parts as they are computed with: the VAE always in float32.
    const double transformer = static_cast<double>(m.transformerParameters) * dtypeBytes;
    const double vae = static_cast<double>(m.vaeParameters) * 4;
    const double encoder = static_cast<double>(m.textParameters) * dtypeBytes;
    // Of a pair of experts one is in memory at a time.
    const double worker =
        std::max(transformer, static_cast<double>(m.secondTransformerParameters) * dtypeBytes);
    e.weightBytes = transformer + vae + encoder +
                    static_cast<double>(m.secondTransformerParameters) * dtypeBytes;
    // Both branches of guidance at once where they are small.
    const double batch = e.tokens * 2 <= kBatchTokens ? 2 : 1;
    // In a block: x, hints and their branch, then either q, k, v with float32 temporaries or the
    // feed-forward's inner width.
    const double live = batch * tokens *
                        (3 * d * dtypeBytes + std::max(4 * d * dtypeBytes + 2 * d * 4,
                                                       m.ffn * double{1} * dtypeBytes + d * 4));
    // Floats a pixel and frame of the whole clip: picture, mask and conditioning all along; their
    // tensors and the two cut clips while encoding; the video and its copy after decoding.
    const double clip = pixels * whole * 4;
    const double encode = m.vaeCost.encodeValues * 4 * pixels + 9 * clip;
    const double decode = m.vaeCost.decodeValues * 4 * pixels + 6 * clip;
    e.heldBytes = kProcessBytes + 5 * clip;
    // The text encoder goes before the VAE comes; the VAE stays while the transformer runs, because
    // the end needs it again; the transformer goes before the decoding.
    e.peakBytes =
        e.heldBytes + std::max({encoder, vae + std::max(encode, decode), vae + worker + live});
    return e;
}

}  // namespace derrumbe::model
