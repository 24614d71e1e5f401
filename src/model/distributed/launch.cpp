#include "model/distributed/launch.h"

#include <charconv>
#include <cstdlib>

#include "support/error.h"
#include "support/strings.h"

namespace derrumbe::model {

namespace {

constexpr int kDefaultPort = 29500;  // c10d's own

/// What one launcher calls its numbers.
struct Names {
    const char *rank, *size, *localRank;
};
constexpr Names kTorchrun{"RANK", "WORLD_SIZE", "LOCAL_RANK"};
constexpr Names kSlurm{"SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID"};
// An allocation of Slurm sets its own variables for everything in it, so that it comes last.
constexpr Names kLaunchers[] = {
    kTorchrun,
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"},
    {"PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"},
    kSlurm};

std::optional<int> wholeNumber(const std::string& text) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// Reads variables and gathers what is wrong with them.
class Reader {
  public:
    explicit Reader(const Environment& variable) : variable_(variable) {}

    int number(const std::string& name, int least, int most, std::optional<int> missing = {}) {
        const auto text = variable_(name);
        if (!text && missing) return *missing;
        const auto value = text ? wholeNumber(*text) : std::nullopt;
        if (value && *value >= least && *value <= most) return *value;
        problems.error(ExitCode::Usage,
                       text ? cat("$", name, " is '", *text, "', a whole number from ", least,
                                  " to ", most, " was expected")
                            : cat("$", name, " is not set"),
                       {"--distributed", 0, 0});
        return least;
    }

    Problems problems;

  private:
    const Environment& variable_;
};

/// Of a Slurm step: any process computes the same. Job numbers that are 10000 apart would share a
/// port.
int slurmPort(const Environment& variable) {
    const auto job = wholeNumber(variable("SLURM_JOB_ID").value_or(""));
    const auto step = wholeNumber(variable("SLURM_STEP_ID").value_or(""));
    return 20000 + (job.value_or(0) + 7 * step.value_or(0)) % 10000;
}

}  // namespace

std::optional<std::string> environmentVariable(const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
}

std::string firstNode(const std::string& nodes) {
    const size_t bracket = nodes.find_first_of("[,");
    if (bracket == std::string::npos || nodes[bracket] == ',') return nodes.substr(0, bracket);
    const size_t end = nodes.find_first_of(",-]", bracket);
    if (end == std::string::npos) return nodes;
    std::string first = nodes.substr(0, bracket) + nodes.substr(bracket + 1, end - bracket - 1);
    // Names may go on after their numbers: node[1-2].site
    const size_t close = nodes.find(']', end);
    if (close != std::string::npos)
        first += nodes.substr(close + 1, nodes.find(',', close) - close - 1);
    return first;
}

Launch launchFrom(const Environment& variable) {
    const Names* names = nullptr;
    for (const Names& launcher : kLaunchers)
        if (!names && variable(launcher.rank) && variable(launcher.size)) names = &launcher;
    if (!names)
        throw Error(ExitCode::Usage,
                    "no launcher has started this process: use torchrun, srun or mpirun, or set "
                    "RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT",
                    {"--distributed", 0, 0});
    Reader reader(variable);
    Launch launch;
    launch.size = reader.number(names->size, 1, 4096);
    launch.rank = reader.number(names->rank, 0, launch.size - 1);
    launch.localRank =
        reader.number(names->localRank, 0, launch.size - 1,
                      names->rank == kTorchrun.rank ? std::optional<int>() : launch.rank);
    const bool slurm = names->rank == kSlurm.rank;
    const auto nodes = variable("SLURM_STEP_NODELIST");
    const auto local = variable("OMPI_COMM_WORLD_LOCAL_SIZE");
    launch.host = variable("MASTER_ADDR").value_or("");
    if (launch.host.empty() && slurm && nodes) launch.host = firstNode(*nodes);
    if (launch.host.empty() && local && wholeNumber(*local) == launch.size)
        launch.host = "127.0.0.1";
    if (launch.host.empty())
        reader.problems.error(ExitCode::Usage,
                              "$MASTER_ADDR is not set: the machine of process 0 is not known",
                              {"--distributed", 0, 0});
    launch.port =
        reader.number("MASTER_PORT", 1, 65535, slurm ? slurmPort(variable) : kDefaultPort);
    // torch/distributed/rendezvous.py, _create_c10d_store: torchrun keeps the store itself, one for
    // all its attempts.
    launch.storeIsThere = variable("TORCHELASTIC_USE_AGENT_STORE").value_or("") == "True";
    if (launch.storeIsThere)
        launch.prefix = "/worker/attempt_" + variable("TORCHELASTIC_RESTART_COUNT").value_or("0");
    reader.problems.throwIfErrors();
    return launch;
}

}  // namespace derrumbe::model
