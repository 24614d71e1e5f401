#pragma once
#include <ATen/ATen.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "model/sampling/sampler.h"
#include "model/video_model.h"

namespace derrumbe::bench {

/// What is measured: one clip by one model.
struct Settings {
    std::string model;                ///< a folder
    std::string inputs;               ///< safetensors: video, mask, ids, negative_ids, noise
    std::string dtype = "float32";    ///< as in a shot
    std::string scheduler = "unipc";  ///< as in a shot
    at::Device device = at::kCPU;
    model::Rounding products = model::Rounding::None;  ///< model.products of a shot
    bool vaeBfloat16 = false;                          ///< model.vae_dtype
    int threads = 0;                                   ///< 0: LibTorch's own choice
    int steps = 20;
    double guidance = 5, shift = 3;  ///< guidance of 1 or less: one evaluation a step
};

/// One run of a stage. The sum of the result's absolute values tells whether two programs computed
/// the same.
struct Measured {
    double seconds = 0, sum = 0;
};

/// A model and its inputs, run stage by stage through the interface that a render uses. What a
/// stage needs of those before it is made when it is first asked for.
class Session {
  public:
    explicit Session(const Settings& settings);

    /// @param stage text (both prompts), encode (the conditioning: two clips), step (one step of
    /// the sampler, both branches of guidance), decode, or whole (all of them, with every step;
    /// parts that are not needed any more are dropped, as in a render). Throws Error(Usage) for
    /// another.
    Measured run(const std::string& stage);

    /// What the last run gave, as the tensor `result` of a safetensors file.
    void writeResult(const std::filesystem::path& file) const;

    /// Floating-point operations of one run, by structure; of a step or `whole` both branches'.
    double flops(const std::string& stage) const;

  private:
    at::Tensor text();
    at::Tensor encode();
    at::Tensor step();
    at::Tensor decode();
    at::Tensor whole();

    Settings settings_;
    std::shared_ptr<model::VideoModel> model_;
    std::map<std::string, at::Tensor> inputs_;
    std::unique_ptr<model::Sampler> sampler_;
    model::SamplerState state_;
    at::Tensor prompt_, negative_, conditioning_, latents_, result_;
};

}  // namespace derrumbe::bench
