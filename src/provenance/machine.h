#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace derrumbe::provenance {

/// The machine that a render ran on. What cannot be found out is empty or 0.
struct Machine {
    std::string hostname;
    std::string operatingSystem;  ///< name and kernel, e.g. "Debian GNU/Linux 12 (bookworm),
                                  ///< Linux 6.1.0 x86_64"
    std::string cpuModel;
    int cpuThreads = 0;             ///< that this process may use (affinity and cgroup quota count)
    std::uint64_t memoryBytes = 0;  ///< that this process may use (cgroup limits count)
    std::vector<std::string> devices;  ///< accelerators, filled in by who knows them
    /// That shared the render, a line each; none: one alone did it. Filled in likewise.
    std::vector<std::string> processes;
    bool several = false;  ///< they ran on more than one machine
};

Machine describeMachine();

/// Bytes of memory that are free for this process: what the system counts as available, and what
/// the limits of its control groups leave beside what can be dropped (file pages). 0: not known.
std::uint64_t availableMemory();

/// What this process has used since it began.
struct ProcessUse {
    double cpuSeconds = 0;        ///< user and system, all threads
    std::uint64_t peakBytes = 0;  ///< highest resident memory
};

ProcessUse processUse();

/// The login name of who runs this process; empty where the system does not know one.
std::string userName();

}  // namespace derrumbe::provenance
