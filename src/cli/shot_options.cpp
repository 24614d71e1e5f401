#include "cli/shot_options.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <sstream>

#include "render/elsewhere.h"
#include "support/byte_size.h"
#include "support/strings.h"

namespace derrumbe::cli {

void ShotOptions::add(CLI::App& command) {
    command.add_option("shot", shot, "the shot file (YAML)")->required();
    command.add_option("--frames", plan.frames,
                       "frames to deliver: 1001-1049, 1001-1049x2, 1001,1005, 1001-1010:3");
    command.add_option("--set", overrides, "override a key of the shot file: sampler.seed=7")
        ->type_name("KEY=VALUE")
        ->take_all()
        ->allow_extra_args(false);
    command
        .add_option("--policy", plan.policies,
                    "rules that the shot has to meet, beside those of $DERRUMBE_POLICY")
        ->type_name("FILE")
        ->take_all()
        ->allow_extra_args(false);
    command
        .add_option("--max-memory", maxMemory,
                    "memory that the render may use: ways are taken that fit, and what cannot fit "
                    "is refused; of a card and of the host each")
        ->type_name("12GiB");
}

render::PlanOptions ShotOptions::planOptions() const {
    render::PlanOptions options = plan;
    if (!maxMemory.empty()) {
        const auto bytes = parseByteSize(maxMemory);
        if (!bytes)
            throw Error(ExitCode::Usage,
                        cat("'", maxMemory,
                            "' is not a size; say for example 12GiB, 900MiB, 12GB or a number of "
                            "bytes"),
                        {"--max-memory", 0, 0});
        options.maxMemory = *bytes;
    }
    const char* studio = std::getenv("DERRUMBE_POLICY");
    std::istringstream files(studio ? studio : "");
    for (std::string file; std::getline(files, file, ':');)
        if (!file.empty()) options.policies.push_back(file);
    return options;
}

bool ShotOptions::makePlan(render::RenderPlan& result, Problems& problems) const {
    return makePlanInto({}, result, problems);
}

bool ShotOptions::makePlanInto(const std::filesystem::path& folder, render::RenderPlan& result,
                               Problems& problems) const {
    try {
        const shot::Shot loaded = shot::loadShot(shot, overrides);
        problems.add(loaded.warnings);
        result = render::makePlan(folder.empty() ? loaded : render::deliveredInto(loaded, folder),
                                  planOptions(), problems);
        return true;
    } catch (const Error& error) {
        problems.add(error.problems());
        return false;
    }
}

}  // namespace derrumbe::cli
