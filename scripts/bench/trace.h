#pragma once
#include <functional>
#include <string>

namespace derrumbe::bench {

/// Runs `work` under LibTorch's profiler and writes what ran when, on the processor and on a card
/// down to each kernel, to `file`: Chrome's trace format.
void trace(const std::function<void()>& work, const std::string& file);

}  // namespace derrumbe::bench
