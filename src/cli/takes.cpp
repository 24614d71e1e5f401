#include "cli/takes.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <set>
#include <string_view>

#include "cli/wedge_problems.h"
#include "shot/wedge.h"
#include "support/strings.h"

namespace derrumbe::cli {

namespace {

constexpr size_t kMostTakes = 1000;

/// The wedges as they were asked for. Problems that would come again with every value are found
/// here.
std::vector<shot::Wedge> readWedges(const TakeOptions& options, Problems& problems) {
    std::vector<shot::Wedge> wedges;
    std::set<std::string> keys;
    size_t takes = 1;
    for (const std::string& option : options.wedges) {
        wedges.push_back(shot::parseWedge(option, problems));
        const shot::Wedge& wedge = wedges.back();
        const Place place{"--wedge " + wedge.key};
        if (!keys.insert(wedge.key).second)
            problems.error(ExitCode::Usage,
                           "this key is wedged twice: give all of its values at once", place);
        if (wedge.key == "shot.take")
            problems.error(ExitCode::Usage,
                           "takes of a wedge count up from the shot's: wedge another key, and say "
                           "where they begin with --set shot.take=N",
                           place);
        takes *= std::max<size_t>(1, std::min(wedge.values.size(), kMostTakes + 1));
        if (takes > kMostTakes) {
            problems.error(ExitCode::Usage, cat("more than ", kMostTakes, " takes"), {"--wedge"});
            break;
        }
    }
    if (options.takes > 1 && !wedges.empty())
        problems.error(ExitCode::Usage,
                       "--takes and --wedge do not go together: takes differ in their seeds, a "
                       "wedge keeps the seed; to have both, wedge the seed as well: --wedge "
                       "sampler.seed=1,2,3",
                       {"--wedge"});
    return wedges;
}

/// The overrides that make one of the takes out of the shot.
std::vector<std::string> takeOverrides(const shot::Shot& first, size_t index, bool seeds) {
    if (index == 0) return {};
    std::vector<std::string> overrides{
        cat("shot.take=", first.shot.take + static_cast<std::int64_t>(index))};
    if (seeds) overrides.push_back(cat("sampler.seed=", first.sampler.seed + index));
    return overrides;
}

void refuseCollisions(const std::vector<render::RenderPlan>& plans, Problems& problems) {
    std::set<std::string> files;
    for (const render::RenderPlan& plan : plans)
        for (const auto& [key, file] :
             {std::pair{"output.path", plan.frames.front().output},
              std::pair{"provenance.path", plan.shot.provenance.path.string()}})
            if (!files.insert(file).second) {
                problems.error(ExitCode::Usage,
                               cat("takes would write over each other: put {take} into ", key,
                                   ", which is ", file),
                               plans[0].shot.place(key));
                return;
            }
}

/// A word for a shell, in quotes where it needs them.
std::string shellWord(const std::string& word) {
    const bool plain = std::all_of(word.begin(), word.end(), [](unsigned char c) {
        return std::isalnum(c) || std::string_view("-._/+=:,@%").find(c) != std::string_view::npos;
    });
    if (plain && !word.empty()) return word;
    std::string quoted = "'";
    for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

}  // namespace

void TakeOptions::add(CLI::App& command, CLI::Option* alone) {
    CLI::Option* seeds =
        command
            .add_option("--takes", takes,
                        "so many takes, numbers and seeds counting up from the shot's")
            ->check(CLI::Range(1, static_cast<int>(kMostTakes)))
            ->capture_default_str();
    CLI::Option* wedge = command
                             .add_option("--wedge", wedges,
                                         "a take with each value of a key, all with the same seed: "
                                         "sampler.guidance=3,5,7")
                             ->type_name("KEY=V1,V2,...")
                             ->take_all()
                             ->allow_extra_args(false);
    if (!alone) return;
    seeds->excludes(alone);
    wedge->excludes(alone);
}

std::vector<render::RenderPlan> planTakes(const ShotOptions& shot, const TakeOptions& options,
                                          Problems& problems) {
    const std::vector<shot::Wedge> wedges = readWedges(options, problems);
    if (problems.hasErrors()) return {};
    const bool seeds = wedges.empty();
    std::vector<std::vector<std::string>> values = shot::combinations(wedges);
    if (seeds) values.resize(static_cast<size_t>(options.takes));

    std::vector<render::RenderPlan> plans(values.size());
    std::vector<TakeProblems> found;
    for (size_t i = 0; i < values.size(); ++i) {
        ShotOptions next = shot;
        next.plan.wedge = values[i];
        for (const auto& added : {values[i], takeOverrides(plans[0].shot, i, seeds)})
            next.overrides.insert(next.overrides.end(), added.begin(), added.end());
        Problems own;
        next.makePlan(plans[i], own);
        found.push_back({values[i], own.list()});
        // What is wrong with one seed is wrong with all of them.
        if (seeds && own.hasErrors()) break;
    }
    problems.add(wedgeProblems(found));
    if (!problems.hasErrors()) refuseCollisions(plans, problems);
    return plans;
}

std::string takeText(const render::RenderPlan& plan) {
    std::string text = cat("take ", plan.shot.shot.take);
    for (const std::string& pair : plan.wedge) text += ", " + pair;
    return cat(text, ", seed ", plan.sampler.seed);
}

std::string sheetCommand(const std::vector<render::RenderPlan>& plans) {
    std::string command = "derrumbe preview";
    for (const render::RenderPlan& plan : plans)
        command += " " + shellWord(plan.shot.provenance.path.string());
    const shot::Shot& first = plans.front().shot;
    const std::filesystem::path folder = first.provenance.path.path.parent_path();
    return command + " -o " + shellWord((folder / (first.shot.name + "_wedge.png")).string());
}

}  // namespace derrumbe::cli
