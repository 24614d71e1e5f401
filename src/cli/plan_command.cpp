#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/shot_options.h"
#include "cli/takes.h"
#include "render/time_estimate.h"

namespace derrumbe::cli {

namespace {

using nlohmann::ordered_json;

/// `start`: seconds until a take was planned.
void printText(const std::vector<render::RenderPlan>& plans, double start) {
    render::TimeEstimator estimator;
    for (const render::RenderPlan& plan : plans) {
        if (plans.size() > 1) std::printf("%s\n", takeText(plan).c_str());
        std::fputs(render::planText(plan).c_str(), stdout);
        std::fputs(render::timeText(estimator.of(plan, start)).c_str(), stdout);
    }
}

ordered_json planWithTime(const render::RenderPlan& plan, double start,
                          render::TimeEstimator& estimator) {
    ordered_json json = ordered_json::parse(render::planJson(plan));
    const render::TimeEstimate time = estimator.of(plan, start);
    ordered_json stages = ordered_json::object();
    for (const auto& [stage, seconds] : time.stages) stages[stage] = seconds;
    json["estimate"]["flops_per_second"] = time.flopsPerSecond;
    json["estimate"]["seconds"] = time.seconds();
    json["estimate"]["stage_seconds"] = stages;
    json["estimate"]["at_most"] = time.atMost;
    return json;
}

/// The plan of one take as it is; several stand in a list, each with its number and what its wedge
/// sets.
void printJson(const std::vector<render::RenderPlan>& plans, double start) {
    render::TimeEstimator estimator;
    if (plans.size() == 1) {
        std::printf("%s\n", planWithTime(plans.front(), start, estimator).dump(2).c_str());
        return;
    }
    ordered_json takes = ordered_json::array();
    for (const render::RenderPlan& plan : plans)
        takes.push_back({{"take", plan.shot.shot.take},
                         {"wedge", plan.wedge},
                         {"plan", planWithTime(plan, start, estimator)}});
    std::printf("%s\n", ordered_json{{"takes", takes}}.dump(2).c_str());
}

}  // namespace

Action addPlan(CLI::App& app) {
    CLI::App* command = app.add_subcommand("plan", "say what a render would do and cost");
    auto options = std::make_shared<ShotOptions>();
    auto json = std::make_shared<bool>(false);
    auto takes = std::make_shared<TakeOptions>();
    options->add(*command);
    takes->add(*command, nullptr);
    command
        ->add_option("--processes", options->plan.processes,
                     "plan a render that so many processes share (render --distributed)")
        ->check(CLI::Range(1, 65536));
    command->add_flag("--json", *json, "as JSON");
    return [options, takes, json] {
        Problems problems;
        const std::vector<render::RenderPlan> plans = planTakes(*options, *takes, problems);
        problems.throwIfErrors();
        for (const Problem& problem : problems.list())
            std::fprintf(stderr, "%s\n", problem.text().c_str());
        // Measured once: what the estimates take themselves is no part of a render.
        const double start = render::processSeconds() / static_cast<double>(plans.size());
        *json ? printJson(plans, start) : printText(plans, start);
        return ExitCode::Done;
    };
}

}  // namespace derrumbe::cli
