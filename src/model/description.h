#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "model/memory_ways.h"

namespace derrumbe::model {

/// Sampler defaults of a model folder (`derrumbe.json` beside `model_index.json`, then
/// scheduler_config.json, then the family's).
struct SamplerDefaults {
    std::string scheduler = "unipc";  ///< unipc | euler
    int steps = 20;
    double guidance = 5.0;  ///< 1 = no guidance
    double shift = 3.0;     ///< flow shift
    /// Of a pair of experts: guidance of the one for low noise; none: the same as `guidance`.
    std::optional<double> guidance2;
};

/// All that others need to know of a model before (and without) loading its weights. Plain data, no
/// tensors.
struct Description {
    std::filesystem::path folder;
    std::string name, version, family, license;
    std::string trainingStatement,
        trainingRights;        ///< what it was trained on and by which right; empty where unknown
    double trainingHours = 0;  ///< 0 where unknown
    std::string encoding =
        "srgb";  ///< how scene-linear becomes the model's [0, 1]: see clip/encoding.h
    std::string encodingSpace = "lin_rec709";  ///< linear primaries that the encoding starts from
    std::string matteFill =
        "grey";  ///< plate | grey: the model's default for the matte from the onset on
    int workingWidth = 832, workingHeight = 480;  ///< pixels at which it was trained
    int windowLength = 81, windowOverlap = 17;    ///< frames
    int sizeMultiple = 16;                    ///< H and W are multiples of it (VAE scale x patch)
    int spatialScale = 8, temporalScale = 4;  ///< pixels, frames a latent
    int latentChannels = 16;
    int textLength = 512;  ///< rows of a prompt's embeddings, padding included
    int textWidth = 4096;
    SamplerDefaults sampler;
    /// Of a pair of experts (Wan2.2): where the second one takes over, as a share of the timesteps'
    /// 1000. Evaluations at it and above are the high-noise expert's, those below the low-noise
    /// one's. 0: one transformer for all.
    double boundary = 0;
    /// Where the transformer is not shown the plate (text-to-video): the conditioning is then [1, C
    /// + 1 + ..., T, h, w], the plate's latents and a mask, and the sampler holds the plate's
    /// latents where the mask is 0.
    bool heldByNoise = false;
    bool takesReferences = true, takesKeyframes = true;
    std::string loss;  ///< what a shot loses with such a model, for people; empty: nothing

    struct File {
        std::string path;  ///< absolute where the folder was given so
        std::uint64_t bytes = 0;
        std::string role;  ///< weights, config or tokenizer
        std::string part;  ///< of weights: transformer, transformer_2 (the low-noise expert), vae,
                           ///< text_encoder, image_encoder, or several with commas; else
                           ///< empty
    };
    /// The SentencePiece vocabulary: a file, or where `tokenizerTensor` is not empty that tensor of
    /// a weights file. `vocabulary` reads it.
    std::string tokenizerFile, tokenizerTensor;
    std::vector<File> files;       ///< weights, configs and tokenizer: what the log hashes
    std::uint64_t parameters = 0;  ///< of all parts
    // what the estimates need
    int layers = 0, heads = 0, headSize = 0, ffn = 0, vaceLayers = 0;
    std::array<int, 3> patch{1, 2, 2};  ///< latents a token: frames, rows, columns
    std::uint64_t transformerParameters = 0, vaeParameters = 0, textParameters = 0;
    std::uint64_t secondTransformerParameters = 0;  ///< of the low-noise expert
    std::uint64_t textEmbeddingParameters = 0;      ///< of textParameters, those that are looked up
    int textLayers = 0;
    /// Of a transformer that sees an image beside the prompt: tokens that it is, and the image
    /// encoder's numbers. 0: it sees none.
    int imageTokens = 0;
    std::uint64_t imageParameters = 0;
    /// The matrices of a part's blocks as its file has them, which they may stay.
    struct Matrices {
        std::uint64_t numbers = 0, bytes = 0;
        std::uint64_t largest = 0;  ///< numbers of the largest one
        bool bfloat16 = false;      ///< most of the numbers are bfloat16 there
    };
    Matrices transformerMatrices, secondTransformerMatrices;
    /// The VAE's work and memory by structure, per pixel of the picture.
    struct VaeCost {
        double encodeFlops = 0, decodeFlops = 0;  ///< a pixel and frame
        /// Numbers alive at the peak of a way through it, a pixel.
        struct Alive {
            double values = 0;  ///< whatever the chunk's frames
            double frame = 0;   ///< beside them, of each frame that some layers see at once
            double width = 0;   ///< of these layers, for `framesTogether`
        };
        Alive encodeAlive, decodeAlive;
        // In tiles: what is not tiled, a pixel; the features that tiles share, a pixel and latent
        // frame; the margins of tiles, in latents.
        double encodeRest = 0, decodeRest = 0;
        double encodeFeatures = 0, decodeFeatures = 0;
        int encodeMargin = 0, decodeMargin = 0;
    };
    VaeCost vaeCost;
};

/// Which of a pair of experts a LoRA is for. A single transformer takes `Both` alone.
enum class Experts { Both, High, Low };

/// A LoRA to be merged into the transformer.
struct LoraFile {
    std::filesystem::path path;  ///< .safetensors
    double strength = 1;         ///< 0: no effect, 1: as trained
    Experts experts = Experts::Both;
};

/// Reads a folder's configuration files and tensor headers; no weight data. Throws Error(Model)
/// with all problems.
Description describeModel(const std::filesystem::path& folder);

/// The bytes of a described model's SentencePiece vocabulary. Throws Error(Model) naming the file
/// where it is missing or unreadable.
std::string vocabulary(const Description& model);

/// Looks for `name` as a folder (absolute or relative to `base`), then in the folders of
/// $DERRUMBE_MODEL_PATH, then in models/ of the working folder, beside the binary and in the five
/// folders above it. Throws Error(Model) listing where it looked.
std::filesystem::path findModel(const std::string& name, const std::filesystem::path& base);

/// Where models are looked for when nothing else is said: the folders of $DERRUMBE_MODEL_PATH, then
/// models/ of the working folder, beside the binary and in the five folders above it.
std::vector<std::filesystem::path> modelSearchPath();

/// Model folders in those of the search path (or of `folders`, when given): with a
/// model_index.json, or with a transformer of a known family among their files.
std::vector<std::filesystem::path> listModels(const std::vector<std::filesystem::path>& folders);

/// Everything that is wrong with a folder's parts: tensors that are missing, of the wrong shape or
/// type, or unexpected, and a tokenizer that is not there; one line each. Empty = complete.
std::vector<std::string> checkModel(const std::filesystem::path& folder);

/// Several prompts are evaluated as one batch while their tokens together are not more than this:
/// small products gain by it, large ones only need more memory.
constexpr std::int64_t kBatchTokens = 8192;

/// Of so many prompts for `tokens` tokens, those that are one batch: all of them, or one.
inline std::int64_t promptsTogether(std::int64_t prompts, std::int64_t tokens) {
    return prompts * tokens <= kBatchTokens ? prompts : 1;
}

/// Tokens that a transformer's block works on at once, beside the keys and values of all of them:
/// enough to fill a processor or a card, few enough that inner activations are small beside what
/// every token keeps.
constexpr std::int64_t kTokensAtOnce = 4096;

/// Numbers in a layer of the VAE that go through at once where layers do not change the number of
/// frames.
constexpr std::int64_t kNumbersAtOnce = 8 << 20;

/// Frames of so many numbers each that go through together there: one where they are large, so that
/// memory does not grow with how many a latent stands for; more where they are small, and calls
/// cost more than their work.
inline std::int64_t framesTogether(std::int64_t numbers, std::int64_t atOnce = kNumbersAtOnce) {
    return std::max<std::int64_t>(1, atOnce / std::max<std::int64_t>(1, numbers));
}

/// Work and memory of a render, from sizes alone.
struct Estimate {
    std::int64_t tokens = 0;  ///< of one forward pass (references included)
    double forwardFlops = 0;  ///< one evaluation of the transformer
    double encodeFlops = 0, decodeFlops = 0, textFlops = 0;
    double weightBytes = 0;  ///< of all parts, though they are never all in memory together
    double heldBytes = 0;    ///< from the first stage to the last: the program, the clip, its mask
    /// Of each stage, the parts that it keeps included and heldBytes not.
    double textBytes = 0, encodeBytes = 0, denoiseBytes = 0, decodeBytes = 0;
    double peakBytes = 0;  ///< of the worst stage, heldBytes included
};
/// @param frames F = 4k+1 frames that the transformer sees at once, `references` reference images;
/// dtypeBytes 4 or 2.
/// @param clipFrames of the whole clip where it runs in several windows; 0: one window is all
/// @param ways how it is computed
/// @param keptTokens that the transformer computes, references included; 0: all
Estimate estimate(const Description& model, int frames, int height, int width, int references,
                  int dtypeBytes, int clipFrames = 0, const MemoryWays& ways = {},
                  std::int64_t keptTokens = 0);

/// Tokens of a prompt as the estimates count them: a long one. Rows of padding are not computed.
constexpr int kPromptTokens = 64;

/// One evaluation of the transformer with so many tokens.
double forwardFlops(const Description& model, std::int64_t tokens);

/// Blocks of the transformer that MemoryWays counts.
int transformerBlocks(const Description& model);

}  // namespace derrumbe::model
