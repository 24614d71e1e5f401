#pragma once
#include <memory>
#include <string>
#include <vector>

#include "model/weights/tensor_source.h"

namespace derrumbe::model {

/// The parts of a model of the Wan family that a file may hold.
enum class WanRole {
    Transformer,
    VaceModule,  ///< the VACE layers alone, to be joined with a text-to-video transformer
    Vae,
    TextEncoder,
    ImageEncoder  ///< CLIP's vision tower
};
const char* roleName(WanRole role);

/// One part as a file holds it.
struct WanPart {
    WanRole role;
    /// Under diffusers' (transformers') names, with scales of 8-bit weights multiplied in.
    std::shared_ptr<const TensorSource> tensors;
    std::string file;        ///< that it was found in, for messages
    std::string vocabulary;  ///< the file's tensor that is a SentencePiece model, or empty
};

/// The parts that a file holds, told from the names of its tensors alone: those of diffusers, of
/// Wan's and VACE's releases, of repackaged files (whatever stands before them, such as
/// model.diffusion_model.) and of GGUF. Several in one file are told apart by what stands before
/// their names. Empty where there is none.
std::vector<WanPart> wanParts(std::shared_ptr<const TensorSource> file);

}  // namespace derrumbe::model
