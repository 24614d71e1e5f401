#pragma once
#include <ATen/ATen.h>

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "model/distributed/group.h"
#include "model/layers/blocks.h"
#include "model/wan/embeddings.h"
#include "model/wan/transformer_block.h"
#include "model/wan/transformer_config.h"

namespace derrumbe::model {

/// An image as the cross-attentions see it, one a block, in the order of their turns.
using ImageContext = std::vector<ContextKeys>;

/// A prompt, and the image that is shown beside it, as the cross-attentions see them. Made once a
/// prompt by `WanTransformer::prepareText`.
struct TextContext {
    std::vector<TextKeys> blocks;  ///< one a block, in the order of their turns
    at::Tensor bias;               ///< [1, 1, 1, S], or undefined
};

/// How a transformer's blocks are held and computed.
struct BlockWays {
    int resident = -1;    ///< of both branches that stay in memory; -1: all
    bool packed = false;  ///< their matrices stay as small as their file has them
    /// Those that are packed as rows of that kind are multiplied as that.
    Rounding products = Rounding::None;
};

/// WanVACETransformer3DModel (or, without the branch, WanTransformer3DModel): a diffusion
/// transformer with a branch that is shown the conditioning and adds hints to it. Jiang et al. 2025
/// (VACE), Wan team 2025; computed as diffusers:models/transformers/transformer_wan_vace.py, which
/// is the parity reference.
///
/// The VACE blocks run beside the main ones, each right after the block that takes its hint, so
/// that one hint is alive at a time; the result is that of running them first.
class WanTransformer {
  public:
    /// Missing and misshapen tensors are recorded in `weights`.
    WanTransformer(const Weights& weights, const TransformerConfig& config,
                   const BlockWays& ways = {});

    /// @param embeds [B, S, textDim]. The rows after the last that is not zero are all alike to the
    /// cross-attention, which does see them: n of them are one key whose score is raised by ln n.
    /// @param image of `prepareImage`; empty where the transformer sees none
    TextContext prepareText(const at::Tensor& embeds, const ImageContext& image = {}) const;

    /// Of a transformer that sees an image.
    /// @param tokens [1, S, imageDim], the image encoder's
    ImageContext prepareImage(const at::Tensor& tokens) const;

    /// @param latents [B, C, T, h, w], T, h, w multiples of the patch; B is `text`'s, or 1, which
    /// all of its prompts then share, computing once what comes before the first of them is read
    /// @param control [B, vaceInChannels, T, h, w], B as of the latents; not looked at without VACE
    /// layers
    /// @param hintScales one a VACE layer; blocks that only lead to zeros are skipped
    /// @param group processes that share the tokens: each computes its part of them, and all of
    /// them get the whole velocity. Sums over tokens (the self-attention's) run over all of them in
    /// the same order, but products of smaller matrices may round otherwise than those of one
    /// process.
    /// @param kept the tokens to compute, as Evaluation has them; undefined: all. They keep their
    /// rotary positions, and see each other alone
    /// @return the velocity, [B, outChannels, T, h, w] float32
    at::Tensor operator()(const at::Tensor& latents, double timestep, const TextContext& text,
                          const at::Tensor& control, std::span<const double> hintScales,
                          const Group& group = {}, const at::Tensor& kept = {}) const;

    const TransformerConfig& config() const { return config_; }

  private:
    /// A block's place in the files.
    struct Turn {
        bool vace = false;  ///< of the VACE branch
        int index = 0;
    };
    struct Block {
        TransformerBlock block;
        Linear projOut;  ///< of the VACE branch's alone
    };
    Blocks<Block> makeBlocks(const Weights& weights, const BlockWays& ways) const;

    /// The conditioning's tokens beside those of the latents.
    at::Tensor embedControl(const at::Tensor& control, const at::Tensor& latents,
                            const at::Tensor& kept) const;
    at::Tensor unpatchify(const at::Tensor& tokens, const at::Tensor& latents) const;
    at::Tensor rope(const std::array<int64_t, 3>& sizes) const;

    TransformerConfig config_;
    at::Device device_;
    at::ScalarType dtype_;
    PatchEmbedding patch_;
    std::optional<PatchEmbedding> vacePatch_;  ///< with VACE layers alone, as vaceProjIn_
    ConditionEmbedder embedder_;
    Linear vaceProjIn_;        ///< vace_blocks.0.proj_in
    std::vector<Turn> order_;  ///< each VACE block's turn is right after the block that it hints
    Blocks<Block> blocks_;     ///< by their turns
    Linear projOut_;
    at::Tensor table_;  ///< scale_shift_table [2, d] float32

    /// The rotary table of the last size: saves work, never changes a result.
    struct Rope {
        std::mutex mutex;
        std::array<int64_t, 3> sizes{};
        at::Tensor table;
    };
    std::unique_ptr<Rope> rope_ = std::make_unique<Rope>();
};

}  // namespace derrumbe::model
