#include "model/wan/wan_part.h"

#include <algorithm>
#include <map>

#include "model/wan/wan_names.h"
#include "model/weights/scaled_fp8.h"
#include "model/weights/split_rows.h"

namespace derrumbe::model {

namespace {

NameTable sameNames(const TensorSource& /*tensors*/, const std::string& /*prefix*/) {
    return {};
}

/// One way of naming a part. Two of the tensors tell it, so that one may be missing and is then
/// reported as such.
struct Dialect {
    WanRole role;
    std::vector<const char*> tells;
    NameTable (*names)(const TensorSource& tensors, const std::string& prefix);
};

const std::vector<Dialect>& dialects() {
    static const std::vector<Dialect> all = {
        {WanRole::Transformer,
         {"head.modulation", "head.head.weight", "time_projection.1.weight"},
         wanTransformerNames},
        {WanRole::Transformer,
         {"condition_embedder.time_proj.weight", "condition_embedder.time_embedder.linear_1.weight",
          "condition_embedder.text_embedder.linear_1.weight"},
         sameNames},
        {WanRole::Vae,
         {"decoder.head.2.weight", "encoder.head.2.weight", "decoder.middle.0.residual.2.weight"},
         wanVaeNames},
        {WanRole::Vae,
         {"decoder.norm_out.gamma", "encoder.norm_out.gamma", "post_quant_conv.weight"},
         sameNames},
        {WanRole::TextEncoder,
         {"encoder.block.0.layer.0.SelfAttention.q.weight", "encoder.final_layer_norm.weight",
          "encoder.block.0.layer.1.DenseReluDense.wi_0.weight"},
         sameNames},
        {WanRole::TextEncoder,
         // blocks.0.attn.q is CLIP's text tower's as well.
         {"token_embedding.weight", "blocks.0.pos_embedding.embedding.weight",
          "blocks.0.ffn.gate.0.weight"},
         wanTextNames},
        {WanRole::TextEncoder,
         {"token_embd.weight", "enc.blk.0.attn_q.weight", "enc.blk.0.ffn_gate.weight"},
         ggufTextNames},
        {WanRole::ImageEncoder,
         {"embeddings.class_embedding", "pre_layrnorm.weight",
          "encoder.layers.0.self_attn.q_proj.weight"},
         sameNames},
        {WanRole::ImageEncoder,
         {"cls_embedding", "pre_norm.weight", "transformer.0.attn.to_qkv.weight"},
         wanClipNames},
        {WanRole::ImageEncoder,
         {"class_embedding", "ln_pre.weight", "transformer.resblocks.0.attn.in_proj_weight"},
         openClipNames},
        // Only where no transformer has the same prefix.
        {WanRole::VaceModule,
         {"vace_patch_embedding.weight", "vace_blocks.0.self_attn.q.weight",
          "vace_blocks.0.after_proj.weight"},
         wanTransformerNames},
        {WanRole::VaceModule,
         {"vace_patch_embedding.weight", "vace_blocks.0.attn1.to_q.weight",
          "vace_blocks.0.proj_out.weight"},
         sameNames},
    };
    return all;
}

/// What stands before a dialect's names, for every place where two of its tells are found.
std::vector<std::string> prefixes(const TensorSource& tensors, const Dialect& dialect) {
    std::map<std::string, int> found;
    for (const auto& item : tensors.tensors()) {
        const std::string& name = item.first;
        for (const std::string tell : dialect.tells) {
            if (name.size() < tell.size() ||
                name.compare(name.size() - tell.size(), tell.size(), tell) != 0)
                continue;
            const std::string prefix = name.substr(0, name.size() - tell.size());
            if (prefix.empty() || prefix.back() == '.') ++found[prefix];
        }
    }
    std::vector<std::string> all;
    for (const auto& [prefix, count] : found)
        if (count >= 2) all.push_back(prefix);
    return all;
}

/// Shapes that GGUF writers change: ggml drops leading dimensions of 1, and knows four at most, so
/// that a patch embedding's first two are one there. Wan's CLIP has such dimensions too many.
std::map<std::string, std::vector<int64_t>> restoredShapes(const TensorSource& file,
                                                           const std::string& prefix,
                                                           const NameTable& names) {
    std::map<std::string, std::vector<int64_t>> shapes;
    for (const auto& [full, info] : file.tensors()) {
        if (full.rfind(prefix, 0) != 0) continue;
        const std::string ours = names.ours(full.substr(prefix.size()));
        const std::vector<int64_t>& shape = info.shape;
        const std::string table = "scale_shift_table";
        const bool modulation =
            ours == table || (ours.size() > table.size() &&
                              ours.compare(ours.size() - table.size(), table.size(), table) == 0);
        if (modulation && shape.size() == 2) shapes[ours] = {1, shape[0], shape[1]};
        if (ours == "embeddings.class_embedding" ||
            ours == "embeddings.position_embedding.weight") {
            const auto first =
                std::find_if(shape.begin(), shape.end(), [](int64_t size) { return size != 1; });
            if (first != shape.begin()) shapes[ours] = {first, shape.end()};
        }
        for (const std::string patch : {"patch_embedding", "vace_patch_embedding"}) {
            if (ours != patch + ".weight" || shape.size() != 4) continue;
            const auto bias = file.tensors().find(prefix + patch + ".bias");
            if (bias == file.tensors().end() || bias->second.shape.size() != 1) continue;
            const int64_t width = bias->second.shape[0];
            if (width > 0 && shape[0] % width == 0)
                shapes[ours] = {width, shape[0] / width, shape[1], shape[2], shape[3]};
        }
    }
    return shapes;
}

constexpr const char* kVocabulary = "spiece_model";

/// Everything but the vocabulary that repackaged text encoders carry as bytes.
class WithoutVocabulary : public TensorSource {
  public:
    explicit WithoutVocabulary(std::shared_ptr<const TensorSource> file)
        : file_(std::move(file)), infos_(file_->tensors()) {
        infos_.erase(kVocabulary);
    }
    const std::map<std::string, TensorInfo>& tensors() const override { return infos_; }
    at::Tensor read(const std::string& name) const override { return file_->read(name); }
    std::shared_ptr<const PackedMatrix> packed(const std::string& name) const override {
        return file_->packed(name);
    }
    std::vector<std::string> files() const override { return file_->files(); }
    std::string nameInFile(const std::string& name) const override {
        return file_->nameInFile(name);
    }

  private:
    std::shared_ptr<const TensorSource> file_;
    std::map<std::string, TensorInfo> infos_;
};

}  // namespace

const char* roleName(WanRole role) {
    switch (role) {
        case WanRole::Transformer:
            return "transformer";
        case WanRole::VaceModule:
            return "VACE module";
        case WanRole::Vae:
            return "VAE";
        case WanRole::ImageEncoder:
            return "CLIP image encoder";
        default:
            return "text encoder";
    }
}

std::vector<WanPart> wanParts(std::shared_ptr<const TensorSource> file) {
    file = withScales(std::move(file));
    std::vector<WanPart> parts;
    std::map<std::string, WanRole> taken;
    for (const Dialect& dialect : dialects()) {
        for (const std::string& prefix : prefixes(*file, dialect)) {
            // A prefix has one part; a whole transformer has VACE layers too.
            if (!taken.emplace(prefix, dialect.role).second) continue;
            const NameTable names = dialect.names(*file, prefix);
            WanPart part{dialect.role, file, "", ""};
            const bool plain = prefix.empty() && dialect.names == sameNames;
            if (const auto shapes = restoredShapes(*file, prefix, names); !plain || !shapes.empty())
                part.tensors = renamed(file, prefix, names, shapes);
            if (dialect.role == WanRole::ImageEncoder && !plain)
                part.tensors = splitRows(part.tensors, kClipJoint,
                                         {std::begin(kClipParts), std::end(kClipParts)});
            part.file = file->files().empty() ? "" : file->files().front();
            if (part.tensors->tensors().count(kVocabulary) != 0) {
                part.vocabulary = prefix + kVocabulary;
                part.tensors = std::make_shared<WithoutVocabulary>(part.tensors);
            }
            parts.push_back(std::move(part));
        }
    }
    return parts;
}

}  // namespace derrumbe::model
