#include <time.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "targets.h"

/// libFuzzer's way in, for the target DERRUMBE_FUZZ_TARGET. Time is the processor's, which other
/// work on the machine does not lengthen: an input that takes more than a second of it is a
/// finding.
namespace {

constexpr double kLongest = 1;  // seconds
double slowest = 0;

double processorSeconds() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void printSlowest() {
    std::fprintf(stderr, "slowest input: %.4f s\n", slowest);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    std::atexit(printSlowest);
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string bytes(reinterpret_cast<const char*>(data), size);
    static int runs = 0;
    const double start = processorSeconds();
    derrumbe::fuzz::DERRUMBE_FUZZ_TARGET(bytes);
    const double taken = processorSeconds() - start;
    if (++runs <= 2) return 0;  // libraries make their tables when they are first used
    if (taken > slowest) slowest = taken;
    if (taken > kLongest) {
        std::fprintf(stderr, "an input of %zu bytes took %.2f s\n", size, taken);
        std::abort();
    }
    return 0;
}
