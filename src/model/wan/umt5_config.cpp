#include "model/wan/umt5_config.h"

#include "support/strings.h"

namespace derrumbe::model {

Umt5Config Umt5Config::read(const Config& config) {
    Umt5Config umt5;
    umt5.vocabulary = config.integer("vocab_size", umt5.vocabulary, 1);
    umt5.width = config.integer("d_model", umt5.width, 1, 1 << 16);
    umt5.headSize = config.integer("d_kv", umt5.headSize, 1, 1 << 12);
    umt5.heads = config.integer("num_heads", umt5.heads, 1, 1 << 12);
    umt5.hidden = config.integer("d_ff", umt5.hidden, 1, 1 << 18);
    umt5.layers = config.integer("num_layers", umt5.layers, 1, 1 << 10);
    umt5.buckets = config.integer("relative_attention_num_buckets", umt5.buckets, 4, 1 << 12);
    umt5.farthest = config.integer("relative_attention_max_distance", umt5.farthest, 2, 1 << 20);
    umt5.epsilon = config.number("layer_norm_epsilon", umt5.epsilon, 0, 1);
    const std::string forward = config.text("feed_forward_proj", "gated-gelu");
    if (forward != "gated-gelu")
        config.problem("feed_forward_proj", cat(forward, " is not supported, only gated-gelu is"));
    if (umt5.farthest <= umt5.buckets / 4)
        config.problem("relative_attention_max_distance",
                       "must be above a quarter of relative_attention_num_buckets");
    return umt5;
}

}  // namespace derrumbe::model
