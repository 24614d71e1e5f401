#pragma once
#include <vector>

namespace derrumbe::clip {

/// One coordinate of a path at one frame.
struct PathStep {
    bool known = false;          ///< whether there is a place to be at
    double wanted = 0;           ///< that place, between `least` and `most`
    double least = 0, most = 0;  ///< multiples of 1/64, least <= most
};

/// The path that stays near the wanted places and turns as little as it can, always between `least`
/// and `most`; one value a step, a multiple of 1/64. A motion at constant speed is followed
/// exactly, one that comes back within 24 frames by half, faster ones less (unless the limits ask
/// for more). Before the first and after the last known place it goes on as it was and comes to
/// rest, its speed dying away as exp(-frames / 24), or sooner at a limit.
///
/// The least sum of (place - wanted)^2 + 215 (second difference)^2: Whittaker's smoother (Eilers,
/// "A perfect smoother", Analytical Chemistry 75, 2003), its limits kept by the alternating
/// direction method of multipliers (Boyd et al., "Distributed optimization and statistical learning
/// via ADMM", Foundations and Trends in Machine Learning 3, 2011, section 5). Camera paths are
/// smoothed with such limits on the crop, with other norms, by Grundmann, Kwatra and Essa,
/// "Auto-directed video stabilization with robust L1 optimal camera paths", CVPR 2011.
std::vector<double> smoothPath(const std::vector<PathStep>& steps);

}  // namespace derrumbe::clip
