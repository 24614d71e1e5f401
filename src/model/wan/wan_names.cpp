#include "model/wan/wan_names.h"

#include <algorithm>

#include "model/wan/lora_names.h"
#include "support/strings.h"

namespace derrumbe::model {

namespace {

using Names = std::pair<const char*, const char*>;

/// Is there a tensor whose name begins so?
bool any(const TensorSource& tensors, const std::string& beginning) {
    const auto found = tensors.tensors().lower_bound(beginning);
    return found != tensors.tensors().end() && found->first.rfind(beginning, 0) == 0;
}

/// A residual block of the VAE: norm, SiLU, convolution, twice, in one numbered list.
void addResidual(NameTable& names, const std::string& ours, const std::string& theirs) {
    constexpr Names kInside[] = {{"norm1", "residual.0"},
                                 {"conv1", "residual.2"},
                                 {"norm2", "residual.3"},
                                 {"conv2", "residual.6"},
                                 {"conv_shortcut", "shortcut"}};
    for (const auto& [a, b] : kInside) names.add(ours + "." + a, theirs + "." + b);
}

void addResample(NameTable& names, const std::string& ours, const std::string& theirs) {
    for (const std::string inside : {".resample.1", ".time_conv"})
        names.add(ours + inside, theirs + inside);
}

constexpr Names kTextOfWan[] = {
    {"0.layer_norm", "norm1"},
    {"0.SelfAttention.q", "attn.q"},
    {"0.SelfAttention.k", "attn.k"},
    {"0.SelfAttention.v", "attn.v"},
    {"0.SelfAttention.o", "attn.o"},
    {"0.SelfAttention.relative_attention_bias", "pos_embedding.embedding"},
    {"1.layer_norm", "norm2"},
    {"1.DenseReluDense.wi_0", "ffn.gate.0"},
    {"1.DenseReluDense.wi_1", "ffn.fc1"},
    {"1.DenseReluDense.wo", "ffn.fc2"},
};

constexpr Names kTextOfGguf[] = {
    {"0.layer_norm", "attn_norm"},       {"0.SelfAttention.q", "attn_q"},
    {"0.SelfAttention.k", "attn_k"},     {"0.SelfAttention.v", "attn_v"},
    {"0.SelfAttention.o", "attn_o"},     {"0.SelfAttention.relative_attention_bias", "attn_rel_b"},
    {"1.layer_norm", "ffn_norm"},        {"1.DenseReluDense.wi_0", "ffn_gate"},
    {"1.DenseReluDense.wi_1", "ffn_up"}, {"1.DenseReluDense.wo", "ffn_down"},
};

constexpr Names kClipOfWan[] = {
    {"layer_norm1", "norm1"},
    {"layer_norm2", "norm2"},
    {"self_attn.qkv_proj", "attn.to_qkv"},
    {"self_attn.out_proj", "attn.proj"},
    {"mlp.fc1", "mlp.0"},
    {"mlp.fc2", "mlp.2"},
};

constexpr Names kClipOfOpen[] = {
    {"layer_norm1", "ln_1"},
    {"layer_norm2", "ln_2"},
    {"self_attn.qkv_proj.weight", "attn.in_proj_weight"},
    {"self_attn.qkv_proj.bias", "attn.in_proj_bias"},
    {"self_attn.out_proj", "attn.out_proj"},
    {"mlp.fc1", "mlp.c_fc"},
    {"mlp.fc2", "mlp.c_proj"},
};

/// What stands before and after the layers of a CLIP vision tower.
struct ClipEnds {
    const char *token, *positions, *patches, *before, *after;
};

template <class List>
NameTable clipNames(const List& inside, const std::string& layers, int count,
                    const ClipEnds& ends) {
    NameTable names;
    names.add("embeddings.class_embedding", ends.token);
    names.add("embeddings.position_embedding.weight", ends.positions);
    names.add("embeddings.patch_embedding", ends.patches);
    names.add("pre_layrnorm", ends.before);
    names.add("post_layernorm", ends.after);
    for (int i = 0; i < count; ++i)
        for (const auto& [ours, theirs] : inside)
            names.add(cat("encoder.layers.", i, ".", ours), cat(layers, ".", i, ".", theirs));
    return names;
}

template <class List>
NameTable textNames(const List& inside, const std::string& blocks, int count,
                    const std::string& embedding, const std::string& norm) {
    NameTable names;
    names.add("shared", embedding);
    names.add("encoder.final_layer_norm", norm);
    for (int i = 0; i < count; ++i) {
        const std::string index = cat(".", i, ".");
        for (const auto& [ours, theirs] : inside)
            names.add("encoder.block" + index + "layer." + ours, blocks + index + theirs);
    }
    return names;
}

}  // namespace

int indexedModules(const TensorSource& tensors, const std::string& prefix,
                   const std::string& scope) {
    constexpr int kMost = 1024;
    int count = 0;
    const std::string start = prefix + scope + ".";
    const auto& all = tensors.tensors();
    for (auto item = all.lower_bound(start); item != all.end() && item->first.rfind(start, 0) == 0;
         ++item) {
        const size_t digits = item->first.find('.', start.size());
        const std::string index = item->first.substr(start.size(), digits - start.size());
        if (index.empty() || index.size() > 4 ||
            index.find_first_not_of("0123456789") != std::string::npos)
            continue;
        count = std::max(count, std::min(kMost, std::stoi(index) + 1));
    }
    return count;
}

NameTable wanTransformerNames(const TensorSource& tensors, const std::string& prefix) {
    NameTable names;
    for (const auto& [ours, theirs] :
         originalWanNames(indexedModules(tensors, prefix, "blocks"),
                          indexedModules(tensors, prefix, "vace_blocks")))
        names.add(ours, theirs);
    return names;
}

NameTable wanVaeNames(const TensorSource& tensors, const std::string& prefix) {
    NameTable names;
    names.add("quant_conv", "conv1");
    names.add("post_quant_conv", "conv2");
    for (const std::string half : {"encoder", "decoder"}) {
        names.add(half + ".conv_in", half + ".conv1");
        names.add(half + ".norm_out", half + ".head.0");
        names.add(half + ".conv_out", half + ".head.2");
        addResidual(names, half + ".mid_block.resnets.0", half + ".middle.0");
        addResidual(names, half + ".mid_block.resnets.1", half + ".middle.2");
        for (const std::string inside : {".norm", ".to_qkv", ".proj"})
            names.add(half + ".mid_block.attentions.0" + inside, half + ".middle.1" + inside);
    }
    const auto resamples = [&](const std::string& scope) {
        return any(tensors, prefix + scope + ".resample.") ||
               any(tensors, prefix + scope + ".time_conv.");
    };
    const int down = indexedModules(tensors, prefix, "encoder.downsamples");
    for (int i = 0; i < down; ++i) {
        const std::string index = cat(".", i);
        const std::string ours = "encoder.down_blocks" + index,
                          theirs = "encoder.downsamples" + index;
        if (resamples(theirs))
            addResample(names, ours, theirs);
        else
            addResidual(names, ours, theirs);
    }
    // The decoder's list is flat there and one of stages here; a stage ends with its upsampler.
    const int up = indexedModules(tensors, prefix, "decoder.upsamples");
    for (int i = 0, stage = 0, block = 0; i < up; ++i) {
        const std::string theirs = cat("decoder.upsamples.", i);
        const std::string ours = cat("decoder.up_blocks.", stage);
        if (resamples(theirs)) {
            addResample(names, ours + ".upsamplers.0", theirs);
            ++stage;
            block = 0;
        } else {
            addResidual(names, cat(ours, ".resnets.", block++), theirs);
        }
    }
    return names;
}

NameTable wanTextNames(const TensorSource& tensors, const std::string& prefix) {
    return textNames(kTextOfWan, "blocks", indexedModules(tensors, prefix, "blocks"),
                     "token_embedding", "norm");
}

NameTable ggufTextNames(const TensorSource& tensors, const std::string& prefix) {
    return textNames(kTextOfGguf, "enc.blk", indexedModules(tensors, prefix, "enc.blk"),
                     "token_embd", "enc.output_norm");
}

NameTable wanClipNames(const TensorSource& tensors, const std::string& prefix) {
    return clipNames(
        kClipOfWan, "transformer", indexedModules(tensors, prefix, "transformer"),
        {"cls_embedding", "pos_embedding", "patch_embedding", "pre_norm", "post_norm"});
}

NameTable openClipNames(const TensorSource& tensors, const std::string& prefix) {
    const std::string layers = "transformer.resblocks";
    return clipNames(kClipOfOpen, layers, indexedModules(tensors, prefix, layers),
                     {"class_embedding", "positional_embedding", "conv1", "ln_pre", "ln_post"});
}

}  // namespace derrumbe::model
