#include "machine.h"

#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <chrono>
#include <fstream>

namespace derrumbe::bench {

void synchronise(at::Device device) {
    if (device.is_cpu()) return;
    const c10::impl::VirtualGuardImpl guard(device.type());
    guard.synchronizeDevice(device.has_index() ? device.index() : guard.getDevice().index());
}

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

std::int64_t peakResident() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.rfind("VmHWM:", 0) == 0) return std::stoll(line.substr(6)) * 1024;
    return 0;
}

std::int64_t peakOnDevice(at::Device device) {
    if (device.is_cpu()) return 0;
    const auto stats =
        c10::getDeviceAllocator(device.type())->getDeviceStats(std::max<int>(0, device.index()));
    return stats.allocated_bytes[static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE)]
        .peak;
}

double matmulRate(at::Device device, at::ScalarType dtype) {
    const int64_t size = device.is_cpu() ? 1536 : 8192;
    const at::TensorOptions options = at::TensorOptions(dtype).device(device);
    at::empty({1}, options);  // the device's allocator answers once it has been used
    const int64_t before = peakOnDevice(device);
    at::Tensor a = at::randn({size, size}, options), b = at::randn({size, size}, options);
    std::vector<double> seconds;
    for (int run = 0; run < 7; ++run) {
        synchronise(device);
        const double start = now();
        at::matmul(a, b);
        synchronise(device);
        if (run >= 2) seconds.push_back(now() - start);
    }
    a = b = at::Tensor();
    if (!device.is_cpu() && before < peakOnDevice(device))
        c10::getDeviceAllocator(device.type())->resetPeakStats(std::max<int>(0, device.index()));
    std::sort(seconds.begin(), seconds.end());
    const auto wide = static_cast<double>(size);
    return 2 * wide * wide * wide / seconds[seconds.size() / 2];
}

}  // namespace derrumbe::bench
