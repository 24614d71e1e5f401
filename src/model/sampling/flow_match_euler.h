#pragma once
#include <memory>

#include "model/sampling/sampler.h"

namespace derrumbe::model {

/// Euler steps along the flow, with the sigmas of diffusers 0.42.1
/// (schedulers/scheduling_flow_match_euler_discrete.py), from `start` down.
std::unique_ptr<Sampler> makeFlowMatchEuler(int steps, double shift, double start);

}  // namespace derrumbe::model
