#pragma once
#include <functional>
#include <optional>
#include <string>

namespace derrumbe::model {

/// One of the processes that a launcher started for one render, and where they meet.
struct Launch {
    int rank = 0, size = 1;
    int localRank = 0;  ///< among the processes of its machine
    std::string host;   ///< where process 0 runs
    int port = 0;
    /// The launcher keeps the store in which the processes meet (torchrun); else process 0 does.
    bool storeIsThere = false;
    std::string prefix;  ///< of the keys in that store
};

/// A variable of the environment; nothing where it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
std::optional<std::string> environmentVariable(const std::string& name);

/// Reads what launchers say, the first that is there:
/// torchrun (and by hand): RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT;
/// Open MPI: OMPI_COMM_WORLD_RANK, _SIZE, _LOCAL_RANK;
/// MPICH and Intel MPI: PMI_RANK, PMI_SIZE, MPI_LOCALRANKID;
/// Slurm: SLURM_PROCID, SLURM_NTASKS, SLURM_LOCALID.
/// MASTER_ADDR and MASTER_PORT always win; without them it is the first node of a Slurm step and a
/// port made from the job's number, and this machine where MPI runs on one alone.
/// Throws Error(Usage) with everything that is missing or no number.
Launch launchFrom(const Environment& variable);

/// The first of Slurm's list of nodes: `gpu[07-09,12],io1` is gpu07.
std::string firstNode(const std::string& nodes);

}  // namespace derrumbe::model
