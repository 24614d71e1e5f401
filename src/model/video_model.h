#pragma once
#include <ATen/ATen.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "model/description.h"
#include "model/distributed/group.h"
#include "model/memory_ways.h"

namespace derrumbe::model {

/// Called between pieces of long work with (done, total); may throw to stop (an interrupt).
using Tick = std::function<void(double done, double total)>;

/// A prompt as the text encoder reads it: no padding, the end token last.
using TokenIds = std::vector<int64_t>;

/// What the model is conditioned on, all in the model's encoding.
struct ConditioningInput {
    at::Tensor video;  ///< [1, 3, F, H, W] float32 in [-1, 1]; F = 4k+1, H and W multiples of
                       ///< `Description::sizeMultiple`
    at::Tensor mask;   ///< [1, 1, F, H, W] float32, 1 = generate, 0 = keep
    bool keepReactive =
        true;  ///< true: the reactive clip shows the video inside the mask; false: grey (0) there
    std::vector<at::Tensor>
        references;  ///< each [1, 3, 1, H, W] in [-1, 1], already fitted on its canvas
};

/// What the transformer is asked.
struct Evaluation {
    at::Tensor latents;  ///< [1, C, T', h, w] float32
    double timestep = 0;
    at::Tensor promptEmbeds;  ///< [N, textLength, D], N prompts
    at::Tensor conditioning;  ///< as `encodeConditioning` gives it
    double control = 1;       ///< scales the VACE hints; 1: as trained
    /// Processes that share the tokens: all of them ask the same, and each gets the whole answer.
    Group tokens = {};
    /// The tokens to compute, [K] int64, rising: their numbers among all [T', h, w] / patch, in the
    /// order time, row, column. The others take no part, and the velocity is 0 in them. Undefined:
    /// all.
    at::Tensor kept = {};
    at::Tensor image = {};  ///< as `encodeImage` gives it
};

/// What a family of latent video models can do. One instance is one loaded model folder.
/// Stages are loaded on first use and dropped by `release`, so that they need not be resident
/// together; the text encoder goes by itself, and the VAE when the transformer comes. All calls are
/// deterministic for a given build, device kind and thread count; no hidden state but weights.
class VideoModel {
  public:
    enum class Stage { ImageEncoder, Vae, Transformer };
    virtual ~VideoModel() = default;

    virtual const Description& description() const = 0;

    /// Each prompt's embeddings [1, textLength, D] float32; rows past its ids are zero. The text
    /// encoder's blocks are read one after the other, once for all prompts, and none stays: they
    /// are most of the bytes of a model and take little part in its work. Throws Error(Internal)
    /// for a prompt without ids or with more than textLength.
    virtual std::vector<at::Tensor> encodePrompts(const std::vector<TokenIds>& prompts,
                                                  const Tick& tick) = 0;

    /// The first frame of a video [1, 3, F, H, W] in [-1, 1] as tokens [1, S, D] float32 that the
    /// transformer sees beside each prompt; undefined of a model that sees no image so.
    virtual at::Tensor encodeImage(const at::Tensor& video) = 0;

    /// [1, 2C+64, R+T, h, w] float32: inactive latents, reactive latents, 64 mask channels;
    /// references (R latent frames) first in time, in the order of the reference implementation
    /// (last reference first). Of a model with `heldByNoise`: [1, C + 1, T, h, w], the latents of
    /// the video and their mask, 1 = generate, 0 = hold.
    virtual at::Tensor encodeConditioning(const ConditioningInput& input, const Tick& tick) = 0;

    /// Velocities v [N, C, T', h, w] float32, one for each of the prompts. What the prompts have in
    /// common is computed once.
    virtual at::Tensor velocity(const Evaluation& evaluation) = 0;

    /// Latents [1, C, T, h, w] (references cut off) to video [1, 3, F, H, W] float32 in [-1, 1].
    virtual at::Tensor decode(const at::Tensor& latents, const Tick& tick) = 0;

    /// Video [1, 3, F, H, W] in [-1, 1] to latents [1, C, T, h, w] float32, those that `decode`
    /// takes.
    virtual at::Tensor encode(const at::Tensor& video, const Tick& tick) = 0;

    virtual void release(Stage stage) = 0;
};

struct LoadOptions {
    at::Device device = at::kCPU;
    /// "auto", "float32", "bfloat16", "float16"; auto: bfloat16 on a GPU, else
    /// float32. A render names what its plan has chosen.
    std::string dtype = "auto";
    std::vector<LoraFile> loras = {};  ///< merged in this order
    MemoryWays ways = {};
};

/// Opens a model folder and its LoRAs: reads configurations and headers, checks every tensor,
/// builds nothing yet. Throws Error(Model) with all problems.
std::unique_ptr<VideoModel> loadVideoModel(const std::filesystem::path& folder,
                                           const LoadOptions& options);

}  // namespace derrumbe::model
