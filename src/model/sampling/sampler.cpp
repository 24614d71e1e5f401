#include "model/sampling/sampler.h"

#include <cmath>

#include "model/sampling/flow_match_euler.h"
#include "model/sampling/unipc.h"
#include "support/strings.h"

namespace derrumbe::model {

std::unique_ptr<Sampler> makeSampler(const std::string& scheduler, int steps, double shift) {
    if (steps < 1 || steps > 1000)
        throw Error(ExitCode::Usage, cat("sampler.steps is ", steps, ", 1..1000 was expected"));
    if (!(shift > 0) || !std::isfinite(shift))
        throw Error(ExitCode::Usage, cat("sampler.shift is ", shift, ", more than 0 was expected"));
    if (scheduler == "unipc") return makeUniPc(steps, shift);
    if (scheduler == "euler") return makeFlowMatchEuler(steps, shift);
    throw Error(ExitCode::Usage, "sampler.scheduler '" + scheduler + "' is none of unipc, euler");
}

at::Tensor guide(const at::Tensor& cond, const at::Tensor& uncond, double guidance) {
    return uncond + (cond - uncond) * guidance;
}

}  // namespace derrumbe::model
