#include "model/wan/wan_folder.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <string_view>

#include "model/model_card.h"
#include "model/wan/vae_cost.h"
#include "model/wan/wan_layout.h"
#include "support/strings.h"

namespace derrumbe::model {

namespace fs = std::filesystem;

namespace {

std::uint64_t parameterCount(const TensorSource& source) {
    std::uint64_t count = 0;
    for (const auto& [name, info] : source.tensors())
        count += std::accumulate(info.shape.begin(), info.shape.end(), std::uint64_t{1},
                                 std::multiplies<>());
    return count;
}

/// The matrices of a part's blocks, as they are in its file.
Description::Matrices blockMatrices(const TensorSource& source) {
    Description::Matrices all;
    std::uint64_t bfloat16 = 0;
    for (const auto& [name, info] : source.tensors()) {
        if (info.shape.size() != 2 || !isBlockMatrix(name)) continue;
        const auto numbers = static_cast<std::uint64_t>(c10::multiply_integers(info.shape));
        all.numbers += numbers;
        all.bytes += static_cast<std::uint64_t>(info.bytes);
        all.largest = std::max(all.largest, numbers);
        if (info.dtype == "BF16") bfloat16 += numbers;
    }
    all.bfloat16 = 2 * bfloat16 > all.numbers;
    return all;
}

void addFile(Description& description, const fs::path& file, const std::string& role,
             const std::string& part = {}) {
    std::error_code code;
    if (!fs::is_regular_file(file, code)) return;
    description.files.push_back({file.string(), fs::file_size(file), role, part});
}

/// The files of all parts, each once, with the parts that it holds.
void addWeights(WanFolder& w) {
    std::vector<std::pair<std::string, std::string>> files;
    const auto gather = [&](const char* part, const std::shared_ptr<const TensorSource>& tensors) {
        for (const std::string& file : tensors->files()) {
            const auto known = std::find_if(files.begin(), files.end(),
                                            [&](const auto& it) { return it.first == file; });
            if (known == files.end())
                files.emplace_back(file, part);
            else
                known->second += std::string(", ") + part;
        }
    };
    gather("text_encoder", w.textTensors);
    if (w.image) gather("image_encoder", w.image->tensors);
    gather("transformer", w.transformerTensors);
    if (w.lowNoise) gather("transformer_2", w.lowNoise->tensors);
    gather("vae", w.vaeTensors);
    for (const auto& [file, part] : files) addFile(w.description, file, "weights", part);
}

/// What the pipeline hands from one part to another must fit.
void checkParts(const WanFolder& w, const WanLayout& layout, Problems& problems) {
    const auto same = [&](int64_t a, int64_t b, const WanLayout::Part& part,
                          const std::string& what) {
        if (a != b)
            problems.error(ExitCode::Model, cat(what, " is ", a, ", not ", b),
                           Place{part.config->file()});
    };
    const int64_t scale = w.vae.spatialScale();
    const auto checkTransformer = [&](const TransformerConfig& t, const WanLayout::Part& part) {
        // An image-to-video transformer reads a mask of 4 frames and the given frames' latents,
        // too.
        const int64_t shown = 2 * w.vae.latentChannels + 4;
        if (t.hasVace() || t.inChannels != shown)
            same(t.inChannels, w.vae.latentChannels, part, "in_channels (z_dim of the VAE)");
        same(t.inChannels, w.transformer.inChannels, part, "in_channels (of the other expert)");
        same(t.outChannels, w.vae.latentChannels, part, "out_channels (z_dim of the VAE)");
        same(t.hasVace(), w.transformer.hasVace(), part, "VACE layers (of the other expert)");
        if (t.hasVace())
            same(t.vaceInChannels, 2 * w.vae.latentChannels + scale * scale, part,
                 "vace_in_channels (2 z_dim and the VAE's scale squared)");
        same(t.textDim, w.text.width, part, "text_dim (d_model of the text encoder)");
        if (t.seesImage())
            same(t.inChannels, shown, part, "in_channels (2 z_dim and 4 of image-to-video)");
        same(t.imageDim, w.transformer.imageDim, part, "image_dim (of the other expert)");
        same(t.patch[0], 1, part, "patch_size[0] (tokens of one latent frame)");
    };
    checkTransformer(w.transformer, layout.transformer);
    if (w.lowNoise) {
        const TransformerConfig& low = w.lowNoise->config;
        checkTransformer(low, layout.lowNoise);
        for (int i = 1; i < 3; ++i)
            same(low.patch[i], w.transformer.patch[i], layout.lowNoise,
                 cat("patch_size[", i, "] (of the other expert)"));
    }
    if (w.image)
        same(w.image->config.width, w.transformer.imageDim, layout.image,
             "hidden_size (image_dim of the transformer)");
    same(w.vae.statedSpatialScale, scale, layout.vae, "scale_factor_spatial (by its layers)");
    same(w.vae.statedTemporalScale, w.vae.temporalScale(), layout.vae,
         "scale_factor_temporal (by its layers)");
    // Clips, masks and windows are counted in 4k + 1 frames.
    if (w.vae.temporalScale() != 4)
        problems.error(ExitCode::Model,
                       cat("temperal_downsample gives latents of ", w.vae.temporalScale(),
                           " frames; video models of this family have latents of 4"),
                       Place{layout.vae.config->file()});
}

constexpr int kSteps = 30;  ///< of the family, where the folder says nothing

SamplerDefaults samplerDefaults(const Config& config) {
    SamplerDefaults sampler;
    sampler.steps = kSteps;
    const std::string kind = config.text("_class_name", "UniPCMultistepScheduler");
    if (kind == "FlowMatchEulerDiscreteScheduler") {
        sampler.scheduler = "euler";
        sampler.shift = config.number("shift", 3.0, 1e-3, 1000);
    } else {
        // Another scheduler's folder (DPM++ and others) is sampled with UniPC: same sigmas.
        sampler.shift = config.number("flow_shift", 3.0, 1e-3, 1000);
        const std::string prediction = config.text("prediction_type", "flow_prediction");
        if (prediction != "flow_prediction")
            config.problem("prediction_type", "'" + prediction + "' is not flow_prediction");
    }
    return sampler;
}

void describe(WanFolder& w, const WanLayout& layout) {
    Description& d = w.description;
    d.folder = w.path;
    const bool shownFrames = w.transformer.inChannels > w.vae.latentChannels;
    d.family = w.transformer.hasVace() ? "wan-vace" : shownFrames ? "wan-i2v" : "wan-t2v";
    if (!w.transformer.hasVace()) {
        d.heldByNoise = true;
        d.takesReferences = d.takesKeyframes = false;
        d.loss = std::string("this model has no VACE layers and is ") +
                 (shownFrames ? "shown the plate's frames up to the onset alone"
                              : "not shown the plate") +
                 ": around the matte and before the onset the plate's latents are held at every "
                 "step, inside the matte the picture is made from the prompt and from " +
                 (shownFrames ? "those frames, without what the plate shows later"
                              : "what surrounds it, so that the building that stood there need not "
                                "be the one that falls") +
                 "; matte_fill has no effect";
    }
    d.encoding = "srgb_shoulder";
    d.matteFill = "grey";
    d.workingWidth = 832;
    d.workingHeight = 480;
    d.windowLength = 81;
    d.windowOverlap = 17;
    d.spatialScale = static_cast<int>(w.vae.spatialScale());
    d.temporalScale = static_cast<int>(w.vae.temporalScale());
    d.sizeMultiple =
        d.spatialScale * static_cast<int>(std::lcm(w.transformer.patch[1], w.transformer.patch[2]));
    d.latentChannels = static_cast<int>(w.vae.latentChannels);
    d.textWidth = static_cast<int>(w.text.width);
    d.layers = static_cast<int>(w.transformer.layers);
    d.heads = static_cast<int>(w.transformer.heads);
    d.headSize = static_cast<int>(w.transformer.headSize);
    d.ffn = static_cast<int>(w.transformer.ffnDim);
    d.vaceLayers = static_cast<int>(w.transformer.vaceLayers.size());
    for (int i = 0; i < 3; ++i) d.patch[i] = static_cast<int>(w.transformer.patch[i]);
    d.transformerParameters = parameterCount(*w.transformerTensors);
    d.vaeParameters = parameterCount(*w.vaeTensors);
    d.textParameters = parameterCount(*w.textTensors);
    d.textEmbeddingParameters =
        std::min<std::uint64_t>(d.textParameters, w.text.vocabulary * w.text.width);
    d.transformerMatrices = blockMatrices(*w.transformerTensors);
    d.textLayers = static_cast<int>(w.text.layers);
    if (w.lowNoise) {
        d.secondTransformerParameters = parameterCount(*w.lowNoise->tensors);
        d.secondTransformerMatrices = blockMatrices(*w.lowNoise->tensors);
    }
    if (w.image) {
        d.imageTokens = static_cast<int>(w.image->config.tokens());
        d.imageParameters = parameterCount(*w.image->tensors);
    }
    d.boundary = layout.boundary;
    d.parameters = d.transformerParameters + d.secondTransformerParameters + d.vaeParameters +
                   d.textParameters + d.imageParameters;
    d.vaeCost = vaeCost(w.vae);

    d.tokenizerFile = layout.vocabulary;
    d.tokenizerTensor = layout.vocabularyTensor;

    for (const std::string& file : layout.configFiles) addFile(d, file, "config");
    addFile(d, w.path / "derrumbe.json", "config");
    addWeights(w);
    // What tokens are made from; the other forms of the tokenizer are not read.
    if (layout.vocabularyTensor.empty()) addFile(d, layout.vocabulary, "tokenizer");
}

}  // namespace

bool isBlockMatrix(const std::string& name) {
    constexpr std::string_view kEnding = ".weight";
    const bool block = name.rfind("blocks.", 0) == 0 || name.rfind("vace_blocks.", 0) == 0 ||
                       name.rfind("encoder.block.", 0) == 0;
    return block && name.size() > kEnding.size() &&
           std::string_view(name).substr(name.size() - kEnding.size()) == kEnding;
}

WanFolder readWanFolder(const fs::path& folder) {
    WanFolder w;
    w.path = folder;
    Problems problems;
    std::error_code code;
    const bool index = fs::exists(folder / "model_index.json", code);
    const WanLayout layout =
        index ? diffusersLayout(folder, problems) : looseLayout(folder, problems);
    w.transformerTensors = layout.transformer.tensors;
    w.vaeTensors = layout.vae.tensors;
    w.textTensors = layout.text.tensors;
    const auto read = [&](const std::optional<Config>& config, const auto& from) {
        if (!config) return;
        from(*config);
        problems.add(config->problems());
    };
    read(layout.transformer.config,
         [&](const Config& c) { w.transformer = TransformerConfig::read(c); });
    read(layout.lowNoise.config, [&](const Config& c) {
        w.lowNoise = WanFolder::Expert{TransformerConfig::read(c), layout.lowNoise.tensors};
    });
    read(layout.vae.config, [&](const Config& c) {
        w.vae = VaeConfig::read(c);
        if (!c.problems().empty()) return;  // its layers may make no scale
        // A file that leaves them out means what its layers make.
        if (!c.has("scale_factor_spatial")) w.vae.statedSpatialScale = w.vae.spatialScale();
        if (!c.has("scale_factor_temporal")) w.vae.statedTemporalScale = w.vae.temporalScale();
    });
    read(layout.text.config, [&](const Config& c) { w.text = Umt5Config::read(c); });
    read(layout.image.config, [&](const Config& c) {
        w.image = WanFolder::ImageEncoder{ClipConfig::read(c), layout.image.tensors};
    });
    w.description.sampler.steps = kSteps;
    read(layout.scheduler, [&](const Config& c) { w.description.sampler = samplerDefaults(c); });
    if (!problems.hasErrors()) checkParts(w, layout, problems);
    problems.throwIfErrors();
    describe(w, layout);
    readModelCard(folder, w.description);
    return w;
}

}  // namespace derrumbe::model
