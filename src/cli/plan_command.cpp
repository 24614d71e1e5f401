#include <CLI/CLI.hpp>
#include <cstdio>

#include "cli/commands.h"
#include "cli/shot_options.h"

namespace derrumbe::cli {

Action addPlan(CLI::App& app) {
    CLI::App* command = app.add_subcommand("plan", "say what a render would do and cost");
    auto options = std::make_shared<ShotOptions>();
    auto json = std::make_shared<bool>(false);
    options->add(*command);
    command->add_flag("--json", *json, "as JSON");
    return [options, json] {
        Problems problems;
        render::RenderPlan plan;
        options->makePlan(plan, problems);
        problems.throwIfErrors();
        for (const Problem& problem : problems.list())
            std::fprintf(stderr, "%s\n", problem.text().c_str());
        std::fputs((*json ? render::planJson(plan) : render::planText(plan)).c_str(), stdout);
        return ExitCode::Done;
    };
}

}  // namespace derrumbe::cli
