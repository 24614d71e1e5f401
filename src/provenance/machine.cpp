#include "provenance/machine.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <thread>

#include <pwd.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace derrumbe::provenance {

namespace {

/// The rest of the first line that begins with `start`, without blanks, quotes and separators
/// around it.
std::string lineValue(const char* file, const std::string& start) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
        if (line.rfind(start, 0) != 0) continue;
        const size_t first = line.find_first_not_of(" \t:=\"", start.size());
        const size_t last = line.find_last_not_of(" \t\"");
        return first == std::string::npos ? "" : line.substr(first, last - first + 1);
    }
    return {};
}

std::uint64_t kibibytes(const char* file, const std::string& start) {
    std::istringstream text(lineValue(file, start));
    std::uint64_t value = 0;
    text >> value;
    return value * 1024;
}

std::uint64_t memoryLimit() {
    std::uint64_t least = kibibytes("/proc/meminfo", "MemTotal");
    // version 2 of control groups, then version 1; "max" fails to parse and so limits nothing
    for (const char* file :
         {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
        std::uint64_t limit = 0;
        if (std::ifstream(file) >> limit && limit > 0 && (least == 0 || limit < least))
            least = limit;
    }
    return least;
}

int usableThreads() {
    int threads = static_cast<int>(std::thread::hardware_concurrency());
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) threads = CPU_COUNT(&allowed);
    double quota = 0, period = 0;
    if (std::ifstream("/sys/fs/cgroup/cpu.max") >> quota >> period && quota > 0 && period > 0) {
        threads = std::min(threads, std::max(1, static_cast<int>(std::ceil(quota / period))));
    }
    return threads;
}

}  // namespace

Machine describeMachine() {
    Machine machine;
    char host[256] = {};
    if (gethostname(host, sizeof host - 1) == 0) machine.hostname = host;
    machine.operatingSystem = lineValue("/etc/os-release", "PRETTY_NAME");
    utsname names{};
    if (uname(&names) == 0) {
        if (!machine.operatingSystem.empty()) machine.operatingSystem += ", ";
        machine.operatingSystem +=
            std::string(names.sysname) + " " + names.release + " " + names.machine;
    }
    machine.cpuModel = lineValue("/proc/cpuinfo", "model name");
    machine.cpuThreads = usableThreads();
    machine.memoryBytes = memoryLimit();
    return machine;
}

ProcessUse processUse() {
    ProcessUse use;
    rusage usage{};
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        const auto seconds = [](const timeval& time) {
            return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
        };
        use.cpuSeconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
        use.peakBytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
    }
    // ru_maxrss is inherited over exec from a larger parent; the address space's own mark is not
    const std::uint64_t mark = kibibytes("/proc/self/status", "VmHWM");
    if (mark > 0) use.peakBytes = mark;
    return use;
}

std::string userName() {
    const passwd* entry = getpwuid(geteuid());
    return entry != nullptr && entry->pw_name != nullptr ? entry->pw_name : "";
}

}  // namespace derrumbe::provenance
