#include <catch2/catch.hpp>
#include <map>

#include "model/distributed/launch.h"
#include "support/error.h"

using namespace derrumbe;
using namespace derrumbe::model;

namespace {

Launch launchOf(std::map<std::string, std::string> variables) {
    return launchFrom([&](const std::string& name) {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
    });
}

std::vector<Problem> problemsOf(const std::map<std::string, std::string>& variables) {
    try {
        launchOf(variables);
    } catch (const Error& error) {
        CHECK(error.code() == ExitCode::Usage);
        return error.problems();
    }
    return {};
}

}  // namespace

TEST_CASE("what each launcher says of a process is understood", "[distributed]") {
    const Launch torchrun = launchOf({{"RANK", "5"},
                                      {"WORLD_SIZE", "8"},
                                      {"LOCAL_RANK", "1"},
                                      {"MASTER_ADDR", "gpu07"},
                                      {"MASTER_PORT", "1234"},
                                      {"TORCHELASTIC_USE_AGENT_STORE", "True"},
                                      {"TORCHELASTIC_RESTART_COUNT", "2"}});
    CHECK(torchrun.rank == 5);
    CHECK(torchrun.size == 8);
    CHECK(torchrun.localRank == 1);
    CHECK(torchrun.host == "gpu07");
    CHECK(torchrun.port == 1234);
    CHECK(torchrun.storeIsThere);
    CHECK(torchrun.prefix == "/worker/attempt_2");

    const std::map<std::string, std::string> slurmStep{
        {"SLURM_PROCID", "3"},       {"SLURM_NTASKS", "4"},  {"SLURM_LOCALID", "1"},
        {"SLURM_JOB_ID", "1234567"}, {"SLURM_STEP_ID", "0"}, {"SLURM_STEP_NODELIST", "gpu[07-08]"}};
    const Launch slurm = launchOf(slurmStep);
    CHECK(slurm.rank == 3);
    CHECK(slurm.size == 4);
    CHECK(slurm.localRank == 1);
    CHECK(slurm.host == "gpu07");
    CHECK(slurm.port == 24567);
    CHECK_FALSE(slurm.storeIsThere);

    // Inside an allocation of Slurm, whose own variables are those of the batch script.
    auto mpiStep = slurmStep;
    mpiStep.insert({{"OMPI_COMM_WORLD_RANK", "1"},
                    {"OMPI_COMM_WORLD_SIZE", "2"},
                    {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                    {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}});
    const Launch mpi = launchOf(mpiStep);
    CHECK(mpi.rank == 1);
    CHECK(mpi.size == 2);
    CHECK(mpi.host == "127.0.0.1");
    CHECK(mpi.port == 29500);

    const Launch mpich = launchOf({{"PMI_RANK", "1"},
                                   {"PMI_SIZE", "2"},
                                   {"MPI_LOCALRANKID", "0"},
                                   {"MASTER_ADDR", "a"},
                                   {"MASTER_PORT", "7"}});
    CHECK(mpich.rank == 1);
    CHECK(mpich.localRank == 0);
    CHECK(mpich.host == "a");
}

TEST_CASE("what is wrong with a launcher's variables is said at once", "[distributed]") {
    CHECK(problemsOf({}).size() == 1);
    CHECK(problemsOf({{"RANK", "0"}, {"WORLD_SIZE", "2"}}).size() == 2);  // LOCAL_RANK, MASTER_ADDR
    CHECK(problemsOf({{"RANK", "2"},
                      {"WORLD_SIZE", "2"},
                      {"LOCAL_RANK", "x"},
                      {"MASTER_ADDR", "a"},
                      {"MASTER_PORT", "70000"}})
              .size() == 3);
    // Machines beside this one: where process 0 runs is not known.
    CHECK(problemsOf({{"OMPI_COMM_WORLD_RANK", "1"},
                      {"OMPI_COMM_WORLD_SIZE", "4"},
                      {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                      {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}})
              .size() == 1);
}

TEST_CASE("the first of Slurm's nodes is found", "[distributed]") {
    CHECK(firstNode("gpu07") == "gpu07");
    CHECK(firstNode("gpu07,io1") == "gpu07");
    CHECK(firstNode("gpu[07-09,12],io1") == "gpu07");
    CHECK(firstNode("gpu[12,14]") == "gpu12");
    CHECK(firstNode("gpu[3]") == "gpu3");
    CHECK(firstNode("io1,gpu[07-09]") == "io1");
    CHECK(firstNode("gpu[1-2].site,io1") == "gpu1.site");
}
