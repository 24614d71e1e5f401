#include "model/wan/transformer_config.h"

#include <algorithm>

#include "support/strings.h"

namespace derrumbe::model {

namespace {

void readImage(const Config& config, TransformerConfig& c, bool plain) {
    c.imageDim = config.integer("image_dim", 0, 1, 65536);
    if (!plain && c.seesImage())
        config.problem("image_dim",
                       "VACE transformers with an image encoder are not computed here");
    if (config.integer("added_kv_proj_dim", c.width()) != c.width())
        config.problem("added_kv_proj_dim", cat("must be the transformer's width, ", c.width()));
    if (config.has("image_dim") != config.has("added_kv_proj_dim"))
        config.problem("image_dim", "goes with added_kv_proj_dim, and neither alone");
    if (config.has("pos_embed_seq_len"))
        config.problem("pos_embed_seq_len",
                       "transformers that are shown a last frame too (Wan2.1-FLF2V) are not "
                       "computed here: nobody knows a collapse's last frame; image-to-video, "
                       "text-to-video and VACE run");
}

}  // namespace

TransformerConfig TransformerConfig::read(const Config& config) {
    TransformerConfig c;
    const std::string kind = config.text("_class_name", "WanVACETransformer3DModel");
    const bool plain = kind == "WanTransformer3DModel";
    if (kind != "WanVACETransformer3DModel" && !plain)
        config.problem("_class_name", "'" + kind +
                                          "' is neither a WanVACETransformer3DModel nor a "
                                          "WanTransformer3DModel");
    const std::vector<int64_t> patch = config.integers("patch_size", {1, 2, 2}, 1, 64);
    if (patch.size() == 3) {
        std::copy(patch.begin(), patch.end(), c.patch.begin());
    } else {
        config.problem("patch_size", "three numbers were expected");
    }
    c.heads = config.integer("num_attention_heads", c.heads, 1, 1024);
    c.headSize = config.integer("attention_head_dim", c.headSize, 2, 4096);
    if (c.headSize % 2 != 0) config.problem("attention_head_dim", "an even number was expected");
    c.inChannels = config.integer("in_channels", c.inChannels, 1, 4096);
    c.outChannels = config.integer("out_channels", c.inChannels, 1, 4096);
    c.textDim = config.integer("text_dim", c.textDim, 1, 65536);
    c.freqDim = config.integer("freq_dim", c.freqDim, 2, 65536);
    c.ffnDim = config.integer("ffn_dim", c.ffnDim, 1, 1 << 20);
    c.layers = config.integer("num_layers", c.layers, 1, 1024);
    c.crossAttnNorm = config.flag("cross_attn_norm", c.crossAttnNorm);
    c.eps = config.number("eps", c.eps, 0, 1);
    c.ropeLongest = config.integer("rope_max_seq_len", c.ropeLongest, 1, 1 << 20);
    readImage(config, c, plain);
    if (plain) {
        c.vaceLayers.clear();
        return c;
    }
    c.vaceInChannels = config.integer("vace_in_channels", c.vaceInChannels, 1, 65536);
    c.vaceLayers = config.integers("vace_layers", c.vaceLayers, 0, 1 << 20);
    // Hints are handed out in the order of the layers, whatever the order of the list.
    std::sort(c.vaceLayers.begin(), c.vaceLayers.end());
    if (std::adjacent_find(c.vaceLayers.begin(), c.vaceLayers.end()) != c.vaceLayers.end())
        config.problem("vace_layers", "names a layer twice");
    if (c.vaceLayers.empty() || c.vaceLayers.front() != 0)
        config.problem("vace_layers", "layer 0 must be among them");
    if (!c.vaceLayers.empty() && c.vaceLayers.back() >= c.layers)
        config.problem("vace_layers", "names a layer above num_layers");
    return c;
}

}  // namespace derrumbe::model
