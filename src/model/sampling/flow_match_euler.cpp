#include "model/sampling/flow_match_euler.h"

#include <algorithm>

#include "model/sampling/flow_shift.h"

namespace derrumbe::model {

namespace {

constexpr double kTrainSteps = 1000;

class FlowMatchEuler : public Sampler {
  public:
    FlowMatchEuler(int steps, double shift, double start) {
        // The reference takes its ends from a table that is shifted already (in float32), and then
        // shifts what lies between them once more; kept, since models are sampled so.
        const float narrow = static_cast<float>(shift);
        const double top =
            kTrainSteps * (start < 1 ? unshifted(start, shift) : flowShift(1.0f, narrow));
        const double bottom = std::min(
            top, double{kTrainSteps} * flowShift(static_cast<float>(1 / kTrainSteps), narrow));
        for (int i = 0; i < steps; ++i) {
            const double t = steps == 1 ? top : top + (bottom - top) / (steps - 1) * i;
            const float sigma = static_cast<float>(flowShift(t / kTrainSteps, shift));
            sigmas_.push_back(sigma);
            timesteps_.push_back(sigma * static_cast<float>(kTrainSteps));
        }
        sigmas_.push_back(0);
    }

    const std::vector<double>& timesteps() const override { return timesteps_; }
    const std::vector<double>& sigmas() const override { return sigmas_; }

    at::Tensor step(const at::Tensor& velocity, const at::Tensor& latents,
                    SamplerState& state) const override {
        if (state.step < 0 || state.step >= static_cast<int>(timesteps_.size()))
            throw Error(ExitCode::Internal, "a sampler was stepped past its end");
        const float dt =
            static_cast<float>(sigmas_[state.step + 1]) - static_cast<float>(sigmas_[state.step]);
        ++state.step;
        return latents + velocity.to(at::kFloat) * dt;
    }

  private:
    std::vector<double> timesteps_, sigmas_;
};

}  // namespace

std::unique_ptr<Sampler> makeFlowMatchEuler(int steps, double shift, double start) {
    return std::make_unique<FlowMatchEuler>(steps, shift, start);
}

}  // namespace derrumbe::model
