#pragma once
#include <memory>

#include "model/sampling/sampler.h"

namespace derrumbe::model {

/// UniPC (Zhao et al. 2023, "UniPC: A Unified Predictor-Corrector Framework for Fast Sampling of
/// Diffusion Models", algorithms 1 and 2, B2(h) = e^h - 1), order 2, predicting x0, with flow
/// sigmas as diffusers 0.42.1 sets them (schedulers/scheduling_unipc_multistep.py), from `start`
/// down.
std::unique_ptr<Sampler> makeUniPc(int steps, double shift, double start);

}  // namespace derrumbe::model
