#pragma once
#include <memory>
#include <optional>
#include <string>

#include "model/video_model.h"
#include "render/inputs.h"
#include "render/stages.h"

namespace derrumbe::render {

/// A value that is kept as long as what it is made from stays the same.
template <class Value>
class Reused {
  public:
    /// The kept value where `key` is the one it was made under, else what `make` returns.
    template <class Make>
    Value& get(const std::string& key, const Make& make) {
        if (!value_ || key_ != key) {
            value_.reset();  // first: two at a time may not fit in memory
            value_.emplace(make());
            key_ = key;
        }
        return *value_;
    }

  private:
    std::optional<Value> value_;
    std::string key_;
};

/// What takes of one shot have in common, kept from one render to the next: everything that their
/// seeds, or the keys of their wedge, have no part in.
struct SharedWork {
    /// What belongs to one pass, at its size.
    struct OfPass {
        Reused<ModelInputs> inputs;       ///< plates and mattes, as they were read
        Reused<at::Tensor> image;         ///< its first frame, of the first pass alone
        Reused<at::Tensor> conditioning;  ///< the clip, encoded
        Reused<at::Tensor> plate;         ///< the plate alone, encoded
        Reused<Clip> reconstruction;      ///< the plate's way through the model, anchored
    };
    Reused<std::unique_ptr<model::VideoModel>> model;  ///< opened and checked
    Reused<PromptEmbeddings> prompts;
    OfPass first, second;
};

/// What each part of the shared work of a pass is made from, as text to compare: the same text, the
/// same part; that of the plate's latents is the reconstruction's. Made from the whole resolved
/// shot less the keys that are known to have no part in it, so that a key that is added to shots is
/// never forgotten here.
struct SharedKeys {
    std::string model, inputs, prompts, conditioning, reconstruction;
};
SharedKeys sharedKeys(const RenderPlan& plan);

}  // namespace derrumbe::render
