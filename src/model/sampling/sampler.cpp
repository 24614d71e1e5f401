#include "model/sampling/sampler.h"

#include <algorithm>
#include <cmath>

#include "model/sampling/flow_match_euler.h"
#include "model/sampling/flow_shift.h"
#include "model/sampling/unipc.h"
#include "support/strings.h"

namespace derrumbe::model {

std::unique_ptr<Sampler> makeSampler(const std::string& scheduler, int steps, double shift,
                                     double start) {
    if (steps < 1 || steps > 1000)
        throw Error(ExitCode::Usage, cat("sampler.steps is ", steps, ", 1..1000 was expected"));
    if (!(shift > 0) || !std::isfinite(shift))
        throw Error(ExitCode::Usage, cat("sampler.shift is ", shift, ", more than 0 was expected"));
    if (!(start > 0 && start <= 1))
        throw Error(ExitCode::Internal, cat("a sampler cannot begin at sigma ", start));
    if (scheduler == "unipc") return makeUniPc(steps, shift, start);
    if (scheduler == "euler") return makeFlowMatchEuler(steps, shift, start);
    throw Error(ExitCode::Usage, "sampler.scheduler '" + scheduler + "' is none of unipc, euler");
}

int stepsFrom(double start, int steps, double shift) {
    // A whole number of steps is not to become one more by its last digit.
    return std::clamp(static_cast<int>(std::ceil(steps * unshifted(start, shift) - 1e-6)), 1,
                      steps);
}

at::Tensor guide(const at::Tensor& cond, const at::Tensor& uncond, double guidance) {
    return uncond + (cond - uncond) * guidance;
}

}  // namespace derrumbe::model
