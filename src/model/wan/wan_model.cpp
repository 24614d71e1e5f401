#include "model/wan/wan_model.h"

#include <features.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <algorithm>
#include <deque>
#include <set>

#include "model/layers/byte_product.h"
#include "model/wan/clip_vision.h"
#include "model/wan/held_conditioning.h"
#include "model/wan/lora_names.h"
#include "model/wan/transformer.h"
#include "model/wan/umt5.h"
#include "model/wan/vace_conditioning.h"
#include "model/wan/vae.h"
#include "model/wan/wan_folder.h"
#include "model/weights/lora.h"
#include "model/weights/rounded.h"
#include "support/strings.h"

namespace derrumbe::model {

namespace {

/// Prompts whose keys and values are kept; a render has two.
constexpr size_t kPrompts = 4;

/// What the stage before has freed on the heap goes back to the system: weights that stay packed in
/// their file would not use it again, and it would count beside them (0.5 GiB at 1.3B's
/// dimensions).
void returnFreedMemory() {
#ifdef __GLIBC__
    ::malloc_trim(0);
#endif
}

class WanModel : public VideoModel {
  public:
    /// @param folder the transformers' tensors with LoRAs merged
    WanModel(WanFolder folder, const LoadOptions& options)
        : folder_(std::move(folder)),
          device_(options.device),
          dtype_(computeDtype(options.dtype, options.device)),
          ways_(options.ways) {}

    const Description& description() const override { return folder_.description; }

    std::vector<at::Tensor> encodePrompts(const std::vector<TokenIds>& prompts,
                                          const Tick& tick) override {
        const int64_t length = folder_.description.textLength;
        for (const TokenIds& ids : prompts)
            if (ids.empty() || static_cast<int64_t>(ids.size()) > length)
                throw Error(ExitCode::Internal,
                            cat(ids.size(), " tokens, 1..", length, " were expected"));
        const auto encoder = build<Umt5Encoder>(folder_.textTensors, dtype_, folder_.text,
                                                /*residentBlocks=*/0);
        std::vector<at::Tensor> embeddings = encoder->encode(prompts, tick);
        for (at::Tensor& rows : embeddings)
            rows = at::constant_pad_nd(rows, {0, 0, 0, length - rows.size(1)});
        return embeddings;
    }

    /// In float32 always, as the VAE: it works once a shot, and is small beside the transformer.
    at::Tensor encodeImage(const at::Tensor& video) override {
        if (!folder_.image) return {};
        if (!image_)
            image_ = build<ClipVision>(folder_.image->tensors, at::kFloat, folder_.image->config);
        return image_->encode(video.select(2, 0));
    }

    at::Tensor encodeConditioning(const ConditioningInput& input, const Tick& tick) override {
        const int scale = folder_.description.spatialScale;
        return folder_.description.heldByNoise
                   ? heldConditioning(vae(), input, scale, shownFrames(), tick)
                   : vaceConditioning(vae(), input, scale, tick);
    }

    at::Tensor velocity(const Evaluation& asked) override {
        const at::Tensor &latents = asked.latents, &conditioning = asked.conditioning;
        const WanTransformer& expert = transformerAt(asked.timestep);
        const std::vector<double> scales(expert.config().vaceLayers.size(), asked.control);
        const int64_t held = folder_.vae.latentChannels + 1;  // what the sampler reads
        const at::Tensor seen =
            shownFrames()
                ? at::cat({latents, conditioning.narrow(1, held, conditioning.size(1) - held)}, 1)
                : latents;
        const auto evaluated = [&](const at::Tensor& prompts) {
            return expert(seen, asked.timestep, prompt(prompts, asked.image), conditioning, scales,
                          asked.tokens, asked.kept)
                .to(latents.device());
        };
        const int64_t prompts = asked.promptEmbeds.size(0);
        const int64_t tokens = asked.kept.defined() ? asked.kept.size(0)
                                                    : latents.numel() / latents.size(1) /
                                                          expert.config().patchVolume();
        if (promptsTogether(prompts, tokens) == prompts) return evaluated(asked.promptEmbeds);
        std::vector<at::Tensor> each;
        for (const at::Tensor& one : asked.promptEmbeds.split(1)) each.push_back(evaluated(one));
        return at::cat(each);
    }

    at::Tensor decode(const at::Tensor& latents, const Tick& tick) override {
        return vae().decode(latents, tick);
    }

    at::Tensor encode(const at::Tensor& video, const Tick& tick) override {
        return vae().encode(video, tick);
    }

    void release(Stage stage) override {
        switch (stage) {
            case Stage::ImageEncoder:
                image_.reset();
                break;
            case Stage::Vae:
                vae_.reset();
                break;
            case Stage::Transformer:
                prompts_.clear();
                shown_ = {};
                transformer_.reset();
                break;
        }
    }

  private:
    template <class Part, class PartConfig, class... Ways>
    std::unique_ptr<Part> build(const std::shared_ptr<const TensorSource>& tensors,
                                at::ScalarType dtype, const PartConfig& config,
                                Ways... ways) const {
        returnFreedMemory();
        const Weights weights(tensors, device_, dtype);
        auto part = std::make_unique<Part>(weights, config, ways...);
        weights.throwIfProblems();
        return part;
    }

    /// In float32 but for the products that a shot gives up for time: half precision leaves bands
    /// in a picture (bfloat16 has 8 bits), and with many steps the VAE is a small part of the work.
    const WanVae& vae() {
        if (!vae_)
            vae_ = build<WanVae>(folder_.vaeTensors, at::kFloat, folder_.vae,
                                 VaeChunks{1, 1, ways_.encodeTile, ways_.decodeTile},
                                 ways_.vaeBfloat16 ? at::kBFloat16 : at::kFloat);
        return *vae_;
    }

    /// An image-to-video transformer reads the given frames beside the latents.
    bool shownFrames() const { return folder_.transformer.inChannels > folder_.vae.latentChannels; }

    /// The transformer that works at a timestep (diffusers 0.42.1:pipelines/wan/
    /// pipeline_wan_vace.py: the first at t >= boundary_ratio * 1000, the second below). One of
    /// them is in memory at a time: they are as large as everything else together, and a render
    /// passes the boundary once. Nor is the VAE beside them; it is read again in a moment.
    const WanTransformer& transformerAt(double timestep) {
        const bool low = folder_.lowNoise && timestep < folder_.description.boundary * 1000;
        if (transformer_ && low != lowNoise_) release(Stage::Transformer);
        vae_.reset();
        if (!transformer_)
            transformer_ = low ? loaded(folder_.lowNoise->tensors, folder_.lowNoise->config)
                               : loaded(folder_.transformerTensors, folder_.transformer);
        lowNoise_ = low;
        return *transformer_;
    }

    std::unique_ptr<WanTransformer> loaded(const std::shared_ptr<const TensorSource>& tensors,
                                           const TransformerConfig& config) const {
        const bool packed = ways_.transformerPacked || ways_.rounding != Rounding::None;
        return build<WanTransformer>(rounded(tensors, ways_.rounding, isBlockMatrix), dtype_,
                                     config,
                                     BlockWays{ways_.transformerBlocks, packed, ways_.products});
    }

    /// A prompt's (or a batch of prompts') keys and values, and the image's beside them, kept by
    /// what the embeddings hold: comparing them is cheap beside an evaluation, and no caller has to
    /// name them.
    const TextContext& prompt(const at::Tensor& embeds, const at::Tensor& image) {
        const bool same = image.defined() == shown_.tokens.defined() &&
                          (!image.defined() || at::equal(image, shown_.tokens));
        if (!same) {
            prompts_.clear();
            shown_ = {};
            if (image.defined()) shown_ = {image.clone(), transformer_->prepareImage(image)};
        }
        for (const auto& [known, context] : prompts_)
            if (known.sizes() == embeds.sizes() && at::equal(known, embeds)) return context;
        if (prompts_.size() == kPrompts) prompts_.pop_front();
        prompts_.emplace_back(embeds.clone(), transformer_->prepareText(embeds, shown_.context));
        return prompts_.back().second;
    }

    WanFolder folder_;
    at::Device device_;
    at::ScalarType dtype_;
    MemoryWays ways_;
    std::unique_ptr<ClipVision> image_;
    std::unique_ptr<WanVae> vae_;
    std::unique_ptr<WanTransformer> transformer_;
    bool lowNoise_ = false;  ///< `transformer_` is the low-noise expert
    /// The image of all `prompts_`, where the transformer sees one.
    struct Shown {
        at::Tensor tokens;
        ImageContext context;
    };
    Shown shown_;
    std::deque<std::pair<at::Tensor, TextContext>> prompts_;
};

/// Builds a part on the meta device, which compares names and shapes and reads no data.
template <class Part, class PartConfig>
Weights dryBuild(const std::shared_ptr<const TensorSource>& tensors, const PartConfig& config) {
    const Weights weights(tensors, at::kMeta, at::kFloat);
    const Part part(weights, config);
    return weights;
}

/// The folder's parts, each with its name and what was asked of its tensors.
std::vector<std::pair<std::string, Weights>> dryBuildAll(const WanFolder& folder) {
    std::vector<std::pair<std::string, Weights>> parts{
        {"text_encoder", dryBuild<Umt5Encoder>(folder.textTensors, folder.text)},
        {"transformer", dryBuild<WanTransformer>(folder.transformerTensors, folder.transformer)},
        {"vae", dryBuild<WanVae>(folder.vaeTensors, folder.vae)}};
    if (folder.lowNoise)
        parts.emplace_back("transformer_2", dryBuild<WanTransformer>(folder.lowNoise->tensors,
                                                                     folder.lowNoise->config));
    if (folder.image)
        parts.emplace_back("image_encoder",
                           dryBuild<ClipVision>(folder.image->tensors, folder.image->config));
    return parts;
}

bool endsWith(const std::string& text, const std::string& ending) {
    return text.size() >= ending.size() &&
           text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

/// Tensors that published folders hold beside the needed ones (the reference ignores them too).
bool harmless(const std::string& name) {
    return name.find("norm_added_q") != std::string::npos ||
           endsWith(name, "embed_tokens.weight") || name == "shared.weight";
}

/// Likewise of the image encoder: its last layer and what follows it are not worked with.
bool harmlessOfImage(const std::string& name, const ClipConfig& config) {
    const std::string layers = "encoder.layers.";
    return name.rfind(layers, 0) != 0 || name.rfind(cat(layers, config.layers - 1, "."), 0) == 0;
}

/// Each expert gets the LoRAs that are for it, in their order. What is wrong with one that is for
/// both is said once.
void mergeAllLoras(WanFolder& folder, const std::vector<LoraFile>& loras, Problems& problems) {
    std::set<std::string> said;
    const auto merge = [&](std::shared_ptr<const TensorSource>& tensors, Experts other) {
        std::vector<LoraFile> own;
        for (const LoraFile& lora : loras)
            if (lora.experts != other) own.push_back(lora);
        try {
            tensors = mergeLoras(tensors, own, originalWanName);
        } catch (const Error& error) {
            for (const Problem& problem : error.problems())
                if (said.insert(problem.text()).second) problems.add({problem});
        }
    };
    if (folder.lowNoise) {
        merge(folder.transformerTensors, Experts::Low);
        merge(folder.lowNoise->tensors, Experts::High);
        return;
    }
    for (const LoraFile& lora : loras)
        if (lora.experts != Experts::Both)
            problems.error(ExitCode::Model,
                           "is for one of a pair of experts; this model has one transformer",
                           {lora.path.string()});
    merge(folder.transformerTensors, Experts::Low);
}

/// The vocabulary's place alone: its library belongs to another folder.
void checkTokenizer(const Description& model, std::vector<std::string>& lines) {
    std::error_code code;
    const auto size = std::filesystem::file_size(model.tokenizerFile, code);
    if (code || size == 0)
        lines.push_back("tokenizer: " + model.tokenizerFile + (code ? " is missing" : " is empty"));
}

}  // namespace

at::ScalarType computeDtype(const std::string& name, at::Device device) {
    if (name == "auto") return device.is_cuda() ? at::kBFloat16 : at::kFloat;
    if (name == "float32") return at::kFloat;
    if (name == "bfloat16") return at::kBFloat16;
    if (name == "float16") return at::kHalf;
    throw Error(ExitCode::Usage,
                "model.dtype '" + name + "' is none of auto, float32, bfloat16, float16");
}

Description describeWan(const std::filesystem::path& folder) {
    return readWanFolder(folder).description;
}

std::vector<std::string> checkWan(const std::filesystem::path& folder) {
    std::vector<std::string> lines;
    try {
        const WanFolder read = readWanFolder(folder);
        checkTokenizer(read.description, lines);
        for (const auto& [part, weights] : dryBuildAll(read)) {
            for (const Problem& problem : weights.problems())
                lines.push_back(part + ": " + problem.message);
            for (const std::string& name : weights.unused())
                if (part == "image_encoder" ? !harmlessOfImage(name, read.image->config)
                                            : !harmless(name))
                    lines.push_back(part + ": " + weights.nameInFile(name) + " is unexpected");
        }
    } catch (const Error& error) {
        for (const Problem& problem : error.problems())
            lines.push_back((problem.place.file.empty() ? "" : problem.place.file + ": ") +
                            problem.message);
    }
    return lines;
}

std::unique_ptr<VideoModel> loadWan(const std::filesystem::path& folder,
                                    const LoadOptions& options) {
    WanFolder read = readWanFolder(folder);
    Problems problems;
    for (const auto& [part, weights] : dryBuildAll(read)) {
        try {
            weights.throwIfProblems();
        } catch (const Error& error) {
            problems.add(error.problems());
        }
    }
    mergeAllLoras(read, options.loras, problems);
    if (options.ways.products != Rounding::None) {
        try {
            requireByteProducts(options.device, options.ways.products);
        } catch (const Error& error) {
            problems.add(error.problems());
        }
    }
    problems.throwIfErrors();
    return std::make_unique<WanModel>(std::move(read), options);
}

}  // namespace derrumbe::model
