#include "trace.h"

#include <torch/csrc/autograd/profiler_kineto.h>

namespace derrumbe::bench {

void trace(const std::function<void()>& work, const std::string& file) {
    namespace profiler = torch::autograd::profiler;
    using torch::profiler::impl::ActivityType;
    const torch::profiler::impl::ProfilerConfig config(
        torch::profiler::impl::ProfilerState::KINETO);
    const std::set<ActivityType> activities{ActivityType::CPU, ActivityType::CUDA};
    profiler::prepareProfiler(config, activities);
    profiler::enableProfiler(config, activities);
    work();
    profiler::disableProfiler()->save(file);
}

}  // namespace derrumbe::bench
