#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "render/stages.h"

namespace derrumbe::render {

/// Where a render keeps what it needs to go on: `.derrumbe/HASH/` beside the frames. The hash is
/// the shot's content hash, so that state of another shot, model or build is never looked at. Every
/// file is written atomically.
class StateStore {
  public:
    /// @param pass  names the file: `denoise` or `refine`
    StateStore(const std::filesystem::path& outputFolder, const std::string& contentHash,
               const std::string& pass = "denoise");

    /// The last saved denoising state; nothing where there is none, or it is not whole, not of this
    /// content, not of these sizes, or not what the sampler leaves after that step (then the render
    /// starts over, which costs time but never correctness).
    std::optional<DenoiseState> load(const at::Tensor& noise, const SamplerPlan& sampler) const;
    void save(const DenoiseState& state) const;

    /// Removes this shot's state, and the `.derrumbe` folder when it was the last.
    void remove() const;

  private:
    std::filesystem::path folder_, file_;
    std::string contentHash_;
};

}  // namespace derrumbe::render
