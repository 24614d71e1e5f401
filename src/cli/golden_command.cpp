#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.h"
#include "cli/golden.h"
#include "support/atomic_file.h"
#include "support/folders.h"
#include "support/interrupt.h"

namespace derrumbe::cli {

namespace {

struct Options {
    std::filesystem::path folder, heatmap;
    std::string junit;
    bool json = false;
    GoldenOptions golden;
};

/// The folder's shots, all of which can be rendered.
std::vector<GoldenShot> shotsOf(const Options& options, Log& log) {
    Problems problems;
    std::vector<GoldenShot> shots = readGoldenShots(options.folder, options.golden, problems);
    problems.throwIfErrors();
    for (const Problem& problem : problems.list()) log.problem(problem);
    return shots;
}

ExitCode update(const Options& options) {
    installInterruptHandler();
    Log log;
    for (const GoldenShot& shot : shotsOf(options, log)) {
        Progress progress(ProgressStyle::Auto);
        updateGolden(shot, options.golden, log, progress);
        fmt::print("{}\n", shot.golden.string());
        std::fflush(stdout);
    }
    return ExitCode::Done;
}

ExitCode check(Options options) {
    installInterruptHandler();
    Log log;
    const TemporaryFolder folder("golden");
    options.golden.folder = folder.path();
    const std::vector<GoldenShot> shots = shotsOf(options, log);
    if (!options.heatmap.empty()) ensureWritable(options.heatmap);
    std::vector<FrameResult> results;
    for (const GoldenShot& shot : shots) {
        Comparer comparer;
        if (!options.heatmap.empty()) comparer.heatmap = options.heatmap / shot.stem;
        Progress progress(ProgressStyle::Auto);
        for (FrameResult& result : checkGolden(shot, options.golden, comparer, log, progress)) {
            if (!options.json) fmt::print("{}\n", resultLine(result));
            results.push_back(std::move(result));
        }
        std::fflush(stdout);
        std::error_code ignored;  // the whole folder goes in the end; a disk may be small
        std::filesystem::remove_all(folder.path() / shot.stem, ignored);
    }
    if (options.json) fmt::print("{}", resultJson(results));
    if (!options.junit.empty()) writeTextAtomically(options.junit, resultJunit(results, "golden"));
    return outcome(results);
}

void addCommon(CLI::App& command, Options& options) {
    command
        .add_option("folder", options.folder,
                    "golden shots: STEM.yaml, with golden frames in STEM.golden")
        ->required()
        ->type_name("DIR");
    command.add_option("--device", options.golden.device, "auto, cpu, cuda or cuda:N")
        ->capture_default_str();
    command
        .add_option("--threads", options.golden.threads,
                    "processor threads (0: as the golden frames were made, or all)")
        ->check(CLI::Range(0, 1024));
}

}  // namespace

Action addGolden(CLI::App& app) {
    CLI::App* command =
        app.add_subcommand("golden", "regression renders: a folder of shots with golden frames");
    command->require_subcommand(1);
    auto options = std::make_shared<Options>();
    CLI::App* updating =
        command->add_subcommand("update", "render every shot and make its frames the golden ones");
    CLI::App* checking =
        command->add_subcommand("check", "render every shot and compare with its golden frames");
    addCommon(*updating, *options);
    addCommon(*checking, *options);
    checking->add_option("--junit", options->junit, "write one test case a frame")
        ->type_name("FILE");
    checking
        ->add_option("--heatmap", options->heatmap,
                     "write a PNG for each frame that differs, in a folder a shot")
        ->type_name("DIR");
    checking->add_flag("--json", options->json, "as JSON");
    return [options, updating] { return updating->parsed() ? update(*options) : check(*options); };
}

}  // namespace derrumbe::cli
