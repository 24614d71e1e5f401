#include <CLI/CLI.hpp>
#include <cstdio>

#include "cli/commands.h"
#include "cli/shot_options.h"
#include "cli/takes.h"

namespace derrumbe::cli {

namespace {

void printEnds(const render::RenderPlan& plan) {
    const auto& first = plan.frames.front();
    const auto& last = plan.frames.back();
    std::printf("frames:  %s (%zu)\n", formatFrameRange(plan.shot.frames).c_str(),
                plan.frames.size());
    std::printf("plate:   %s\n         %s\n", first.plate.c_str(), last.plate.c_str());
    for (size_t i = 0; i < last.mattes.size(); ++i)
        std::printf("matte:   %s\n         %s\n",
                    plan.frames[plan.firstGenerated()].mattes[i].c_str(), last.mattes[i].c_str());
    for (size_t g = 0; g < plan.shot.guides.size(); ++g) {
        const auto [from, to] = render::guideEnds(plan, g);
        if (!from.empty()) std::printf("guide:   %s\n         %s\n", from.c_str(), to.c_str());
    }
    std::printf("output:  %s\n         %s\n", first.output.c_str(), last.output.c_str());
    std::printf("colour:  %s (%s)\n", plan.plateSpace.c_str(), plan.plateSpaceReason.c_str());
    std::printf("model:   %s (%s)\n", plan.model.name.c_str(), plan.model.folder.c_str());
    for (const model::LoraFile& lora : plan.loras)
        std::printf("lora:    %s x %g\n", lora.path.c_str(), lora.strength);
    for (const provenance::Policy& policy : plan.policies)
        std::printf("policy:  %s (%s): met\n", policy.name.c_str(), policy.file.c_str());
}

}  // namespace

Action addValidate(CLI::App& app) {
    CLI::App* command =
        app.add_subcommand("validate", "read everything, report every problem, render nothing");
    auto options = std::make_shared<ShotOptions>();
    auto takes = std::make_shared<TakeOptions>();
    options->add(*command);
    takes->add(*command, nullptr);
    return [options, takes] {
        Problems problems;
        const std::vector<render::RenderPlan> plans = planTakes(*options, *takes, problems);
        problems.throwIfErrors();
        for (const Problem& problem : problems.list())
            std::fprintf(stderr, "%s\n", problem.text().c_str());
        for (const render::RenderPlan& plan : plans) {
            if (plans.size() > 1) std::printf("%s\n", takeText(plan).c_str());
            printEnds(plan);
        }
        std::printf("%s: ok\n", options->shot.c_str());
        return ExitCode::Done;
    };
}

}  // namespace derrumbe::cli
