#include "model/wan/clip_config.h"

#include "support/strings.h"

namespace derrumbe::model {

ClipConfig ClipConfig::read(const Config& config) {
    ClipConfig clip;
    clip.width = config.integer("hidden_size", clip.width, 1, 1 << 16);
    clip.hidden = config.integer("intermediate_size", clip.hidden, 1, 1 << 18);
    clip.layers = config.integer("num_hidden_layers", clip.layers, 1, 1 << 10);
    clip.heads = config.integer("num_attention_heads", clip.heads, 1, 1 << 12);
    clip.imageSize = config.integer("image_size", clip.imageSize, 1, 1 << 12);
    clip.patch = config.integer("patch_size", clip.patch, 1, 1 << 12);
    clip.epsilon = config.number("layer_norm_eps", clip.epsilon, 0, 1);
    const std::string activation = config.text("hidden_act", "quick_gelu");
    clip.quickGelu = activation == "quick_gelu";
    if (!clip.quickGelu && activation != "gelu")
        config.problem("hidden_act", cat("'", activation, "' is neither gelu nor quick_gelu"));
    if (config.integer("num_channels", 3) != 3)
        config.problem("num_channels", "pictures have 3 channels");
    if (clip.width % clip.heads != 0)
        config.problem("num_attention_heads",
                       cat("a width of ", clip.width, " has no ", clip.heads, " equal heads"));
    if (clip.imageSize % clip.patch != 0)
        config.problem("patch_size", cat("must divide image_size, ", clip.imageSize));
    return clip;
}

}  // namespace derrumbe::model
