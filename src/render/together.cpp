#include "render/together.h"

#include <ATen/Context.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>

#include "model/distributed/shared_model.h"
#include "render/failure.h"
#include "render/machine_speed.h"
#include "render/processor.h"
#include "support/strings.h"
#include "support/version.h"

namespace derrumbe::render {

namespace {

/// `auto` and `cuda` leave it open which card: each process of a machine takes the next one. Where
/// a launcher shows each process its own card alone, that is the one.
std::string ownDevice(const std::string& asked, int localRank) {
    const std::string device = chooseDevice(asked);
    if (device != "cuda") return device;
    return chooseDevice(cat("cuda:", localRank % static_cast<int>(at::getNumGPUs())));
}

ExitCode follow(model::Crew& crew, const PlanOptions& options) {
    const c10::InferenceMode inference;
    setThreads(options.threads);
    const ExitCode code = model::serve(crew, at::Device(options.device));
    crew.leave();
    return code;
}

}  // namespace

ExitCode together(PlanOptions& options, Log& log, const Lead& lead) {
    const model::Launch launch = model::launchFrom(model::environmentVariable);
    const auto crew = std::make_shared<model::Crew>(launch, [&] {
        options.device = ownDevice(options.device, launch.localRank);
        return model::thisMember(DERRUMBE_VERSION " " DERRUMBE_GIT_COMMIT " " DERRUMBE_TORCH_VERSION
                                                  " " DERRUMBE_COMPILER,
                                 processorKind(options.device));
    });
    options.processes = crew->size();
    if (options.threads == 0) options.threads = crew->cores();
    try {
        if (!crew->leads()) return follow(*crew, options);
        for (const std::string& process : processTexts(*crew)) log.info(process);
        const ExitCode code = lead(crew);
        crew->end(code);
        return code;
    } catch (const std::exception& failure) {
        const Error error = asError(failure);
        crew->fail(error);
        if (crew->leads())
            crew->end(error.code());
        else
            crew->leave();
        throw error;
    }
}

std::vector<std::string> processTexts(const model::Crew& crew) {
    std::vector<std::string> texts;
    for (int rank = 0; rank < crew.size(); ++rank) {
        const model::Member& member = crew.members()[rank];
        texts.push_back(
            cat("process ", rank, " of ", crew.size(), ": ", member.host, ", ", member.processor));
    }
    return texts;
}

bool onSeveralMachines(const model::Crew& crew) {
    const std::vector<model::Member>& members = crew.members();
    return std::any_of(members.begin(), members.end(), [&](const model::Member& member) {
        return member.host != members.front().host;
    });
}

}  // namespace derrumbe::render
