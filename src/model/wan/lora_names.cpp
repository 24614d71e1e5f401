#include "model/wan/lora_names.h"

#include <utility>

#include "support/strings.h"

namespace derrumbe::model {

namespace {

using Names = std::pair<const char*, const char*>;

constexpr Names kOutside[] = {
    {"condition_embedder.time_embedder.linear_1", "time_embedding.0"},
    {"condition_embedder.time_embedder.linear_2", "time_embedding.2"},
    {"condition_embedder.text_embedder.linear_1", "text_embedding.0"},
    {"condition_embedder.text_embedder.linear_2", "text_embedding.2"},
    {"condition_embedder.time_proj", "time_projection.1"},
    {"condition_embedder.image_embedder.norm1", "img_emb.proj.0"},
    {"condition_embedder.image_embedder.ff.net.0.proj", "img_emb.proj.1"},
    {"condition_embedder.image_embedder.ff.net.2", "img_emb.proj.3"},
    {"condition_embedder.image_embedder.norm2", "img_emb.proj.4"},
    {"condition_embedder.image_embedder.pos_embed", "img_emb.emb_pos"},
    {"proj_out", "head.head"},
    {"scale_shift_table", "head.modulation"},
};

/// Below blocks.N and vace_blocks.N. The affine norm is Wan's third and diffusers' second.
constexpr Names kInBlocks[] = {
    {"attn1.to_q", "self_attn.q"},
    {"attn1.to_k", "self_attn.k"},
    {"attn1.to_v", "self_attn.v"},
    {"attn1.to_out.0", "self_attn.o"},
    {"attn1.norm_q", "self_attn.norm_q"},
    {"attn1.norm_k", "self_attn.norm_k"},
    {"attn2.to_q", "cross_attn.q"},
    {"attn2.to_k", "cross_attn.k"},
    {"attn2.to_v", "cross_attn.v"},
    {"attn2.to_out.0", "cross_attn.o"},
    {"attn2.norm_q", "cross_attn.norm_q"},
    {"attn2.norm_k", "cross_attn.norm_k"},
    {"attn2.add_k_proj", "cross_attn.k_img"},
    {"attn2.add_v_proj", "cross_attn.v_img"},
    {"attn2.norm_added_k", "cross_attn.norm_k_img"},
    {"norm2", "norm3"},
    {"ffn.net.0.proj", "ffn.0"},
    {"ffn.net.2", "ffn.2"},
    {"scale_shift_table", "modulation"},
    {"proj_in", "before_proj"},
    {"proj_out", "after_proj"},
};

}  // namespace

std::string originalWanName(const std::string& module) {
    for (const auto& [ours, theirs] : kOutside)
        if (module == ours) return theirs;
    for (const std::string branch : {"blocks.", "vace_blocks."}) {
        if (module.rfind(branch, 0) != 0) continue;
        const size_t dot = module.find('.', branch.size());
        if (dot == std::string::npos) continue;
        for (const auto& [ours, theirs] : kInBlocks)
            if (module.compare(dot + 1, std::string::npos, ours) == 0)
                return module.substr(0, dot + 1) + theirs;
    }
    return "";
}

std::vector<std::pair<std::string, std::string>> originalWanNames(int blocks, int vaceBlocks) {
    std::vector<std::pair<std::string, std::string>> names;
    for (const auto& [ours, theirs] : kOutside) names.emplace_back(ours, theirs);
    const auto branch = [&](const std::string& name, int count) {
        for (int i = 0; i < count; ++i) {
            const std::string scope = cat(name, ".", i, ".");
            for (const auto& [ours, theirs] : kInBlocks)
                names.emplace_back(scope + ours, scope + theirs);
        }
    };
    branch("blocks", blocks);
    branch("vace_blocks", vaceBlocks);
    return names;
}

}  // namespace derrumbe::model
