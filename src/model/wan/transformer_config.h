#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "model/weights/config.h"

namespace derrumbe::model {

/// transformer/config.json of a WanVACETransformer3DModel, or of a WanTransformer3DModel, which has
/// no VACE layers; the defaults are the classes' own.
struct TransformerConfig {
    std::array<int64_t, 3> patch{1, 2, 2};  ///< latent frames, rows, columns a token
    int64_t heads = 40, headSize = 128;
    int64_t inChannels = 16, outChannels = 16;
    int64_t textDim = 4096, freqDim = 256, ffnDim = 13824;
    int64_t layers = 40;
    bool crossAttnNorm = true;
    double eps = 1e-6;
    /// Width of the image encoder's tokens, which the cross-attentions see beside the prompt
    /// (image-to-video of Wan2.1); 0: there are none.
    int64_t imageDim = 0;
    int64_t ropeLongest = 1024;  ///< tokens along any axis
    /// Ascending; empty: a text-to-video transformer, which is not shown a plate.
    std::vector<int64_t> vaceLayers{0, 5, 10, 15, 20, 25, 30, 35};
    int64_t vaceInChannels = 96;

    bool seesImage() const { return imageDim > 0; }
    bool hasVace() const { return !vaceLayers.empty(); }
    int64_t width() const { return heads * headSize; }
    int64_t patchVolume() const { return patch[0] * patch[1] * patch[2]; }

    /// Faults are recorded in `config`, whose owner throws them.
    static TransformerConfig read(const Config& config);
};

}  // namespace derrumbe::model
