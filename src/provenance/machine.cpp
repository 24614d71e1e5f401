#include "provenance/machine.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

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

/// The first number in a file; 0 where there is none ("max" is none).
std::uint64_t numberIn(const std::filesystem::path& file) {
    std::uint64_t value = 0;
    std::ifstream(file) >> value;
    return value;
}

/// The folders of this process' memory control group and of those around it. The mounted root is
/// the last one: in a container, whose own group it is, the path to it may not be seen.
std::vector<std::filesystem::path> memoryGroups() {
    std::vector<std::filesystem::path> folders;
    std::ifstream groups("/proc/self/cgroup");
    for (std::string line; std::getline(groups, line);) {
        const bool unified = line.rfind("0::/", 0) == 0;  // version 2
        const size_t memory = line.find(":memory:/");     // version 1
        if (!unified && memory == std::string::npos) continue;
        const std::filesystem::path root = unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
        std::filesystem::path inner = line.substr(unified ? 4 : memory + 9);
        for (; !inner.empty(); inner = inner.parent_path()) folders.push_back(root / inner);
        folders.push_back(root);
    }
    return folders;
}

std::uint64_t groupLimit(const std::filesystem::path& folder) {
    const std::uint64_t limit = numberIn(folder / "memory.max");
    return limit > 0 ? limit : numberIn(folder / "memory.limit_in_bytes");
}

std::uint64_t memoryLimit() {
    std::uint64_t least = kibibytes("/proc/meminfo", "MemTotal");
    for (const std::filesystem::path& folder : memoryGroups())
        if (const std::uint64_t limit = groupLimit(folder); limit > 0)
            least = least == 0 ? limit : std::min(least, limit);
    return least;
}

/// What a group's processes hold and cannot drop: all but the pages of files.
std::uint64_t groupUse(const std::filesystem::path& folder) {
    std::uint64_t use = numberIn(folder / "memory.current");
    if (use == 0) use = numberIn(folder / "memory.usage_in_bytes");
    std::ifstream parts(folder / "memory.stat");
    std::uint64_t files = 0;
    std::string name;
    for (std::uint64_t bytes = 0; parts >> name >> bytes;)
        if (name == "active_file" || name == "inactive_file") files += bytes;
    return use - std::min(use, files);
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

std::uint64_t availableMemory() {
    std::uint64_t least = kibibytes("/proc/meminfo", "MemAvailable");
    for (const std::filesystem::path& folder : memoryGroups()) {
        const std::uint64_t limit = groupLimit(folder), use = groupUse(folder);
        if (limit == 0) continue;
        const std::uint64_t free = limit - std::min(limit, use);
        least = least == 0 ? free : std::min(least, free);
    }
    return least;
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
