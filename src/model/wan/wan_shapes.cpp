#include "model/wan/wan_shapes.h"

#include <algorithm>

#include "model/wan/wan_names.h"
#include "support/strings.h"

namespace derrumbe::model {

namespace {

constexpr int64_t kHeadSize = 128;

constexpr int64_t kLargest = int64_t{1}
                             << 40;  ///< so that a hostile shape's products do not overflow

/// The size of `name` along `axis` (from the end where negative); `fallback` where it is not there.
int64_t size(const TensorSource& tensors, const std::string& name, int axis, int64_t fallback) {
    const auto found = tensors.tensors().find(name);
    if (found == tensors.tensors().end()) return fallback;
    const std::vector<int64_t>& shape = found->second.shape;
    const int count = static_cast<int>(shape.size());
    const int place = axis < 0 ? count + axis : axis;
    return place >= 0 && place < count ? std::min(shape[place], kLargest) : fallback;
}

bool any(const TensorSource& tensors, const std::string& beginning) {
    const auto found = tensors.tensors().lower_bound(beginning);
    return found != tensors.tensors().end() && found->first.rfind(beginning, 0) == 0;
}

template <class List>
std::string listed(const List& values) {
    std::string text;
    for (const auto& value : values) text += cat(text.empty() ? "" : ", ", value);
    return "[" + text + "]";
}

std::string entry(const char* key, const std::string& value) {
    return cat(", \"", key, "\": ", value);
}
std::string entry(const char* key, int64_t value) {
    return entry(key, std::to_string(value));
}

}  // namespace

Config transformerConfigOf(const TensorSource& t, const Config& stated) {
    if (stated.has("num_attention_heads")) return stated;
    const int64_t byShape = size(t, "scale_shift_table", -1, size(t, "patch_embedding.bias", 0, 0));
    const int64_t width = stated.integer("dim", byShape);
    const int64_t heads = stated.integer("num_heads", width / kHeadSize, 1, 1024);
    const int64_t layers =
        stated.integer("num_layers", std::max(1, indexedModules(t, "", "blocks")), 1, 1024);
    const int64_t in = stated.integer("in_dim", size(t, "patch_embedding.weight", 1, 16));
    std::vector<int64_t> patch;
    for (int axis = 2; axis < 5; ++axis)
        patch.push_back(size(t, "patch_embedding.weight", axis, axis == 2 ? 1 : 2));
    const int64_t volume = std::max<int64_t>(
        1, patch[0] > 64 || patch[1] > 64 || patch[2] > 64 ? 1 : patch[0] * patch[1] * patch[2]);
    const bool plain = !any(t, "vace_");
    const int64_t vace = std::clamp<int64_t>(indexedModules(t, "", "vace_blocks"), 1, layers);
    std::vector<int64_t> vaceLayers;
    for (int64_t i = 0; i < vace; ++i) vaceLayers.push_back(i * (layers / vace));
    const bool spaced = stated.has("vace_layers") || layers % vace == 0;
    vaceLayers = stated.integers("vace_layers", vaceLayers, 0, 1 << 20);

    std::string text = cat("{\"num_attention_heads\": ", std::max<int64_t>(1, heads));
    text += entry("attention_head_dim", heads > 0 ? width / heads : kHeadSize);
    text += entry("num_layers", layers) + entry("in_channels", in);
    text += entry("out_channels",
                  stated.integer("out_dim", size(t, "proj_out.weight", 0, in * volume) / volume));
    text += entry("text_dim", stated.integer("text_dim", size(t,
                                                              "condition_embedder.text_embedder."
                                                              "linear_1.weight",
                                                              1, 4096)));
    text += entry("freq_dim", stated.integer("freq_dim", size(t,
                                                              "condition_embedder.time_embedder."
                                                              "linear_1.weight",
                                                              1, 256)));
    text += entry("ffn_dim",
                  stated.integer("ffn_dim", size(t, "blocks.0.ffn.net.0.proj.weight", 0, 13824)));
    text += entry("vace_in_channels",
                  stated.integer("vace_in_dim", size(t, "vace_patch_embedding.weight", 1, 96)));
    text += entry("patch_size", listed(patch)) + entry("vace_layers", listed(vaceLayers));
    text +=
        entry("_class_name", plain ? "\"WanTransformer3DModel\"" : "\"WanVACETransformer3DModel\"");
    text += entry("cross_attn_norm", any(t, "blocks.0.norm2.") ? "true" : "false");
    text += entry("eps", cat(stated.number("eps", 1e-6, 0, 1)));
    const std::string image = "condition_embedder.image_embedder.";
    if (any(t, image) || any(t, "blocks.0.attn2.add_k_proj."))
        text += entry("image_dim", size(t, image + "norm1.weight", 0, 1280)) +
                entry("added_kv_proj_dim", std::max<int64_t>(1, width));
    if (any(t, image + "pos_embed"))
        text += entry("pos_embed_seq_len", size(t, image + "pos_embed", 1, 514));
    const Config config = Config::parse(text + "}", stated.file());
    for (const Problem& problem : stated.problems()) config.problem("config.json", problem.message);
    if (!stated.has("num_heads") && (width == 0 || width % kHeadSize != 0))
        config.problem("num_attention_heads",
                       cat("cannot be told from a width of ", width, ", which is no multiple of ",
                           kHeadSize, ": a config.json that says num_heads is needed beside it"));
    else if (heads > 0 && width % heads != 0)  // none at all is a problem already
        config.problem("num_heads", cat("a width of ", width, " has no ", heads, " equal heads"));
    if (!spaced && !plain)
        config.problem("vace_layers", cat("cannot be told: ", vace, " of ", layers,
                                          " layers are not evenly spaced; a config.json that says "
                                          "vace_layers is needed beside it"));
    return config;
}

Config vaeConfigOf(const TensorSource& t, const Config& stated) {
    if (stated.has("z_dim") || stated.has("base_dim")) return stated;
    const int64_t base = std::max<int64_t>(1, size(t, "encoder.conv_in.weight", 0, 96));
    const int64_t in = size(t, "encoder.conv_in.weight", 1, 3);
    std::vector<int64_t> widths;
    std::vector<std::string> halveTime;
    int64_t width = base, blocks = 0, mostBlocks = 1;
    const int count = indexedModules(t, "", "encoder.down_blocks");
    for (int i = 0; i < count; ++i) {
        const std::string scope = "encoder.down_blocks." + std::to_string(i);
        const bool time = any(t, scope + ".time_conv.");
        if (time || any(t, scope + ".resample.")) {
            widths.push_back(width / base);
            halveTime.emplace_back(time ? "true" : "false");
            blocks = 0;
        } else {
            width = size(t, scope + ".conv2.weight", 0, size(t, scope + ".conv1.weight", 0, width));
            mostBlocks = std::max(mostBlocks, ++blocks);
        }
    }
    widths.push_back(width / base);
    int64_t patch = 1;
    while (patch < 64 && 3 * patch * patch < in) ++patch;

    std::string text = cat("{\"base_dim\": ", base);
    text += entry("decoder_base_dim", size(t, "decoder.conv_in.weight", 0, base * widths.back()) /
                                          std::max<int64_t>(1, widths.back()));
    text += entry("z_dim", size(t, "post_quant_conv.weight", 0, 16));
    text += entry("dim_mult", listed(widths)) + entry("num_res_blocks", mostBlocks);
    text += entry("temperal_downsample", listed(halveTime));
    text += entry("patch_size", patch) + entry("in_channels", in) + entry("out_channels", in);
    const Config config = Config::parse(text + "}", stated.file());
    if (any(t, "encoder.downsamples.0.downsamples.") || any(t, "encoder.down_blocks.0.resnets."))
        config.problem("is_residual",
                       "a VAE of Wan2.2's form, which no VACE model uses, is read with its "
                       "config.json and under diffusers' names only");
    return config;
}

Config textConfigOf(const TensorSource& t, const Config& stated) {
    if (stated.has("d_model")) return stated;
    const std::string self = "encoder.block.0.layer.0.SelfAttention.";
    const std::string table = self + "relative_attention_bias.weight";
    const std::string embedding =
        t.tensors().count("shared.weight") != 0 ? "shared.weight" : "encoder.embed_tokens.weight";
    const int64_t heads = std::max<int64_t>(1, size(t, table, 1, 64));
    std::string text = cat("{\"vocab_size\": ", size(t, embedding, 0, 256384));
    text += entry("d_model", size(t, embedding, 1, size(t, self + "q.weight", 1, 4096)));
    text += entry("num_heads", heads);
    text += entry("d_kv", size(t, self + "q.weight", 0, heads * 64) / heads);
    text += entry("d_ff", size(t, "encoder.block.0.layer.1.DenseReluDense.wi_0.weight", 0, 10240));
    text += entry("num_layers", std::max(1, indexedModules(t, "", "encoder.block")));
    text += entry("relative_attention_num_buckets", size(t, table, 0, 32));
    return Config::parse(text + "}", stated.file());
}

Config clipConfigOf(const TensorSource& t, const Config& stated) {
    if (stated.has("hidden_size")) return stated;
    const int64_t patch = size(t, "embeddings.patch_embedding.weight", -1, 14);
    const int64_t positions = size(t, "embeddings.position_embedding.weight", 0, 257);
    int64_t side = 1;  // a square of patches, and the class token
    while (side < 4096 && (side + 1) * (side + 1) < positions) ++side;
    const int64_t width =
        size(t, "embeddings.class_embedding", 0, size(t, "pre_layrnorm.weight", 0, 1280));
    std::string text = cat("{\"hidden_size\": ", width);
    text += entry("intermediate_size", size(t, "encoder.layers.0.mlp.fc1.weight", 0, 5120));
    text += entry("num_hidden_layers", std::max(1, indexedModules(t, "", "encoder.layers")));
    text += entry("num_attention_heads", 16) + entry("hidden_act", "\"gelu\"");
    text += entry("patch_size", patch) + entry("image_size", std::min(kLargest, side * patch));
    return Config::parse(text + "}", stated.file());
}

}  // namespace derrumbe::model
