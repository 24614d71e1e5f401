#pragma once
#include <ATen/ATen.h>

#include <memory>
#include <string>
#include <vector>

#include "support/error.h"

namespace derrumbe::model {

/// Everything a sampler must remember between steps, so that a render can be stopped and resumed.
struct SamplerState {
    int step = 0;
    std::vector<at::Tensor> history;  ///< model outputs of former steps, newest last
    at::Tensor last;                  ///< the sample before the last step
    int lastOrder = 0;
};

/// A flow-matching sampler: x_t = (1 - sigma) x_0 + sigma noise, v = noise - x_0.
class Sampler {
  public:
    virtual ~Sampler() = default;
    virtual const std::vector<double>& timesteps()
        const = 0;                                          ///< one a step, as handed to the model
    virtual const std::vector<double>& sigmas() const = 0;  ///< steps + 1, the last 0
    /// One step: velocity at timesteps()[state.step] and latents (float32) to the next latents;
    /// advances the state.
    virtual at::Tensor step(const at::Tensor& velocity, const at::Tensor& latents,
                            SamplerState& state) const = 0;
};

/// @param scheduler "unipc" (UniPC multistep, bh2, order 2, flow sigmas as diffusers >= 0.37) or
/// "euler"
///        (FlowMatchEulerDiscrete). Throws Error(Usage) for another name or steps < 1.
/// @param start  the first sigma, (0, 1]: 1 is noise alone; less is for latents that are partly
///        there (SDEdit, Meng et al. 2022)
std::unique_ptr<Sampler> makeSampler(const std::string& scheduler, int steps, double shift,
                                     double start = 1);

/// Steps from `start` down that are as dense as `steps` of the whole way, at least one.
int stepsFrom(double start, int steps, double shift);

/// Standard normal noise [1, channels, frames, height, width], float32 on the CPU, from a
/// counter-based generator (Philox4x32-10) keyed by seed and counted by (absolute latent frame,
/// channel, y, x): a value depends on its place alone, not on window, range, threads or device.
/// `firstFrame` is the absolute index of the first latent frame (negative for references). Row and
/// column count from the crop's corner.
at::Tensor counterNoise(std::uint64_t seed, int firstFrame, int channels, int frames, int height,
                        int width);

/// Classifier-free guidance: uncond + guidance * (cond - uncond).
at::Tensor guide(const at::Tensor& cond, const at::Tensor& uncond, double guidance);

}  // namespace derrumbe::model
