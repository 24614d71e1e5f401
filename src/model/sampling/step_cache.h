#pragma once
#include <ATen/ATen.h>

namespace derrumbe::model {

/// Leaves out evaluations whose result is predicted to be near the last one's, which then stands
/// for it. Predicted as by Zhou et al. 2025 ("Less is Enough: Training-Free Video Diffusion
/// Acceleration via Runtime-Adaptive Caching", EasyCache, arXiv 2507.02860, section 3): a model's
/// output changes in proportion to its input, at a rate that changes slowly and that the last two
/// evaluations tell. Here the distance is taken to the last evaluation itself, instead of being
/// added up step by step, and the velocity is what is kept: along a straight flow it stays the
/// same.
class StepCache {
  public:
    /// What is remembered between steps.
    struct State {
        at::Tensor latents, velocity;  ///< of the last evaluation; undefined: none yet
        double rate = -1;  ///< change of the velocity by change of the latents; -1: not known yet
        int reused = 0;    ///< evaluations left out so far
    };

    /// @param limit  relative change of the velocity up to which it is reused; 0: never
    StepCache(double limit, int steps) : limit_(limit), steps_(steps) {}

    /// Whether the last velocity stands for the one at this step. Never at the last step, which has
    /// the details.
    bool reuses(const at::Tensor& latents, int step, const State& state) const;
    /// To be called after an evaluation.
    void evaluated(const at::Tensor& latents, const at::Tensor& velocity, State& state) const;

  private:
    double limit_;
    int steps_;
};

}  // namespace derrumbe::model
