#include "model/sampling/unipc.h"

#include <cmath>

#include "model/sampling/flow_shift.h"

namespace derrumbe::model {

namespace {

constexpr double kTrainSteps = 1000;

/// log(alpha / sigma), alpha = 1 - sigma. In float32, as the reference: 1 - 0.999999f is
/// 1.01328e-6, which moves lambda_0 by 0.013 against float64.
float lambdaOf(float sigma) {
    return std::log(1.0f - sigma) - std::log(sigma);
}

class UniPc : public Sampler {
  public:
    UniPc(int steps, double shift, double start) {
        // s = linspace(1, 1/1000, steps + 1) without its last value.
        const double top = unshifted(start, shift), stride = (1 / kTrainSteps - top) / steps;
        for (int i = 0; i < steps; ++i) {
            double sigma = flowShift(top + stride * i, shift);
            // log(1 - sigma) must stay finite.
            if (i == 0 && std::abs(sigma - 1) < 1e-6) sigma -= 1e-6;
            timesteps_.push_back(std::trunc(sigma * kTrainSteps));
            sigmas_.push_back(static_cast<float>(sigma));
        }
        sigmas_.push_back(0);
    }

    const std::vector<double>& timesteps() const override { return timesteps_; }
    const std::vector<double>& sigmas() const override { return sigmas_; }

    at::Tensor step(const at::Tensor& velocity, const at::Tensor& latents,
                    SamplerState& state) const override {
        const int steps = static_cast<int>(timesteps_.size());
        if (state.step < 0 || state.step >= steps)
            throw Error(ExitCode::Internal, "a sampler was stepped past its end");
        const int i = state.step;
        // x0 is predicted from the sample before its correction.
        const at::Tensor clean = latents - velocity.to(at::kFloat) * sigma(i);
        const at::Tensor sample = i > 0 ? corrected(clean, state) : latents;
        const int order = std::min({2, steps - i, i + 1});
        const at::Tensor next = predicted(clean, sample, order, state);

        state.history.push_back(clean);
        if (state.history.size() > 2) state.history.erase(state.history.begin());
        state.last = sample;
        state.lastOrder = order;
        ++state.step;
        return next;
    }

  private:
    float sigma(int i) const { return static_cast<float>(sigmas_[i]); }

    /// UniC: the sample at sigma_i again, from the one before, now that x0 here is known.
    at::Tensor corrected(const at::Tensor& clean, const SamplerState& state) const {
        const int i = state.step;
        const float s = sigma(i - 1), t = sigma(i), alpha = 1 - t;
        const float h = lambdaOf(t) - lambdaOf(s);
        const float phi = std::expm1(-h);
        const at::Tensor& m1 = state.history.back();
        const at::Tensor base = state.last * (t / s) - m1 * (alpha * phi);
        if (state.lastOrder == 1) return base - (clean - m1) * (alpha * phi * 0.5f);
        // The 2x2 system of algorithm 1 solved in closed form: rho0 r + rho1 = b2, rho0 + rho1 =
        // b1.
        const float r = (lambdaOf(sigma(i - 2)) - lambdaOf(s)) / h;
        const float phi2 = phi / -h - 1;
        const float b1 = phi2 / phi;
        const float b2 = 2 * (phi2 / -h - 0.5f) / phi;
        const float rho0 = (b1 - b2) / (1 - r), rho1 = b1 - rho0;
        const at::Tensor slope = (state.history[state.history.size() - 2] - m1) / r;
        return base - (slope * rho0 + (clean - m1) * rho1) * (alpha * phi);
    }

    /// UniP: the sample at sigma_{i+1}.
    at::Tensor predicted(const at::Tensor& clean, const at::Tensor& sample, int order,
                         const SamplerState& state) const {
        const int i = state.step;
        const float s = sigma(i), t = sigma(i + 1);
        // At sigma 0 the step's limit: h = infinity, phi = -1, the sample is x0 itself.
        if (t == 0) return clean;
        const float alpha = 1 - t, h = lambdaOf(t) - lambdaOf(s);
        const float phi = std::expm1(-h);
        const at::Tensor base = sample * (t / s) - clean * (alpha * phi);
        if (order == 1) return base;
        const float r = (lambdaOf(sigma(i - 1)) - lambdaOf(s)) / h;
        return base - (state.history.back() - clean) * (alpha * phi * 0.5f / r);
    }

    std::vector<double> timesteps_, sigmas_;
};

}  // namespace

std::unique_ptr<Sampler> makeUniPc(int steps, double shift, double start) {
    return std::make_unique<UniPc>(steps, shift, start);
}

}  // namespace derrumbe::model
