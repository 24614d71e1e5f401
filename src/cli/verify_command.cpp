#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "provenance/verify.h"
#include "support/atomic_file.h"

namespace derrumbe::cli {

namespace {

struct Options {
    std::filesystem::path log;
    bool deliveredOnly = false;
};

ExitCode verify(const Options& options) {
    const provenance::Statement statement =
        provenance::readStatement(readFile(options.log), options.log.string());
    const auto folder = std::filesystem::absolute(options.log).parent_path();
    const provenance::Verification result =
        provenance::verifyFiles(statement, folder, !options.deliveredOnly);
    Problems problems;
    for (const provenance::Difference& difference : result.differences)
        problems.error(ExitCode::Mismatch, difference.message);
    problems.throwIfErrors();
    if (statement.outcome != provenance::Outcome::Done)
        throw Error(ExitCode::Mismatch,
                    fmt::format("{}: the render that wrote this log {}: {}", options.log.string(),
                                provenance::text(statement.outcome), statement.failure));
    fmt::print("{}: {} delivered files and {} inputs are what the log says\n", options.log.string(),
               statement.subjects.size(),
               result.files - static_cast<int>(statement.subjects.size()));
    return ExitCode::Done;
}

}  // namespace

Action addVerify(CLI::App& app) {
    CLI::App* command =
        app.add_subcommand("verify", "check that every file is the one the log names");
    auto options = std::make_shared<Options>();
    command->add_option("log", options->log, "a provenance log")->required();
    command->add_flag("--delivered-only", options->deliveredOnly,
                      "look at delivered frames alone, not at inputs");
    return [options] { return verify(*options); };
}

}  // namespace derrumbe::cli
