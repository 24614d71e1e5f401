#pragma once

namespace derrumbe::model {

/// Moves a noise level towards 1 for shift > 1: Esser et al. 2024 (Stable Diffusion 3), section
/// 5.3.2, equation 23. 0 and 1 stay where they are.
template <class Real>
Real flowShift(Real sigma, Real shift) {
    return shift * sigma / (1 + (shift - 1) * sigma);
}

/// The level that `flowShift` moves to `sigma`.
template <class Real>
Real unshifted(Real sigma, Real shift) {
    return sigma >= 1 ? 1 : sigma / (shift - (shift - 1) * sigma);
}

}  // namespace derrumbe::model
