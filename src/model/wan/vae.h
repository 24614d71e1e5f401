#pragma once
#include <ATen/ATen.h>

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <tuple>
#include <vector>

#include "model/description.h"
#include "model/video_model.h"
#include "model/wan/vae_config.h"
#include "model/wan/vae_decoder.h"
#include "model/wan/vae_encoder.h"
#include "model/wan/vae_tiles.h"

namespace derrumbe::model {

/// How much of a clip goes through the network at once. All give the same result to rounding;
/// memory grows with chunks and tiles, and with the clip's length only by the features that tiles
/// share.
struct VaeChunks {
    int64_t encodeGroups = 1;   ///< groups of 4 frames
    int64_t decodeLatents = 1;  ///< latent frames
    /// Latents a side of the tiles (vae_tiles.h); 0: the whole picture at once.
    int64_t encodeTile = 0, decodeTile = 0;
    /// Of the chunk in layers that do not change its frames' number (`framesTogether`).
    int64_t numbersAtOnce = kNumbersAtOnce;
};

/// AutoencoderKLWan, both forms (diffusers 0.42.1:models/autoencoders/autoencoder_kl_wan.py, its
/// chunked causal protocol; its tiling is another one). Computes in the weights' dtype on their
/// device; pixels and latents are float32 and stay on the device they come from.
class WanVae {
  public:
    /// Names and shapes that do not fit are recorded in `weights`: its owner calls
    /// throwIfProblems().
    /// @param convolutions what they multiply, all but those that pixels and latents go through
    /// first or last: bfloat16 for less time and some of the picture; none: the weights' dtype
    WanVae(const Weights& weights, const VaeConfig& config, VaeChunks chunks = {},
           std::optional<at::ScalarType> convolutions = {});

    /// Video [1, 3, F, H, W] in [-1, 1], H and W multiples of the patch (and of spatialScale() in
    /// the residual form), to normalised latents (mean of the distribution - latents_mean) /
    /// latents_std, [1, C, config().latentFrames(F), h, w] float32. Frames past 4k + 1 are dropped,
    /// as in the reference. A clip of zeros is encoded once a size: the conditioning asks for it
    /// again and again. Throws Error(Internal) for a shape that cannot be.
    at::Tensor encode(const at::Tensor& video, const Tick& tick = {}) const;

    /// Normalised latents [1, C, T, h, w] to video [1, 3, config().frames(T), H, W] float32,
    /// clamped to [-1, 1].
    at::Tensor decode(const at::Tensor& latents, const Tick& tick = {}) const;

    const VaeConfig& config() const { return config_; }

  private:
    /// Frames of a clip, or latents, that go through together.
    struct Chunk {
        int64_t start = 0, count = 0;
    };
    static std::vector<Chunk> chunks(int64_t total, int64_t count);

    at::Tensor encodeChunks(const at::Tensor& video, const Tick& tick) const;
    at::Tensor tiledFeatures(const at::Tensor& clip, const std::vector<Chunk>& chunks,
                             const std::vector<VaeTile>& tiles, const Tick& tick) const;
    void decodeTiles(const at::Tensor& values, const std::vector<Chunk>& chunks,
                     const std::vector<VaeTile>& tiles, const at::Tensor& clip,
                     const Tick& tick) const;

    VaeConfig config_;
    VaeChunks chunks_;
    at::Device device_;
    at::ScalarType dtype_;
    at::Tensor mean_, inverseStd_;  ///< [C] float32 on the CPU
    VaeEncoder encoder_;
    VaeDecoder decoder_;

    using Size = std::tuple<int64_t, int64_t, int64_t>;
    /// Latents of clips of zeros by (F, H, W): saves work, never changes a result.
    mutable std::map<Size, at::Tensor> zeros_;
    mutable std::mutex zerosMutex_;
};

}  // namespace derrumbe::model
