#include "model/sampling/step_cache.h"

namespace derrumbe::model {

namespace {

double length(const at::Tensor& x) {
    return x.norm().item<double>();
}

}  // namespace

bool StepCache::reuses(const at::Tensor& latents, int step, const State& state) const {
    if (limit_ <= 0 || state.rate < 0 || step + 1 >= steps_) return false;
    const double change = state.rate * length(latents - state.latents);
    return change < limit_ * length(state.velocity);
}

void StepCache::evaluated(const at::Tensor& latents, const at::Tensor& velocity,
                          State& state) const {
    if (limit_ <= 0) return;
    if (state.velocity.defined()) {
        const double moved = length(latents - state.latents);
        state.rate = moved > 0 ? length(velocity - state.velocity) / moved : -1;
    }
    state.latents = latents;
    state.velocity = velocity;
}

}  // namespace derrumbe::model
