#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "provenance/envelope.h"
#include "provenance/verify.h"
#include "render/rerender.h"
#include "render/together.h"
#include "support/atomic_file.h"
#include "support/interrupt.h"

namespace derrumbe::cli {

namespace {

struct Options {
    std::filesystem::path log, key;
    bool deliveredOnly = false;
    bool rerender = false, distributed = false;
};

/// The log's statement, and in `signature` what is known of its signature. With a key, only the
/// very bytes that it signed are read.
std::string readLog(const Options& options, std::string& signature) {
    const std::string text = readFile(options.log), name = options.log.string();
    const bool sealed = provenance::isEnvelope(text);
    if (options.key.empty()) {
        signature =
            sealed ? "signature NOT checked: give the signer's --key PUB.pem" : "not signed";
        return text;
    }
    const std::string pem = readFile(options.key, ExitCode::Usage, size_t{1} << 16);
    const std::string keyId = [&] {
        try {
            return provenance::keyId(pem);
        } catch (const Error& error) {
            throw Error(error.code(), error.problems().front().message, {options.key.string()});
        }
    }();
    if (!sealed) throw Error(ExitCode::Mismatch, "the log is not signed", {name});
    try {
        const std::string payload = provenance::openEnvelope(text, pem, name);
        signature = "signed by key " + keyId;
        return payload;
    } catch (const Error& error) {
        // An envelope that cannot be read does not match either.
        throw Error(ExitCode::Mismatch, error.problems().front().message, {name});
    }
}

/// What differs, as problems. Where the shot is to be rendered again its inputs come first, and
/// alone: from other ones other pixels are no news.
Problems differencesOf(const provenance::Verification& result, bool rerender) {
    Problems inputs, all;
    for (const provenance::Difference& difference : result.differences) {
        if (rerender && !difference.delivered)
            inputs.error(ExitCode::Input, difference.message);
        else
            all.error(ExitCode::Mismatch, difference.message);
    }
    inputs.throwIfErrors();
    return all;
}

void renderAgain(const provenance::Statement& statement, const Options& options,
                 const std::shared_ptr<model::Crew>& crew, Log& log, Problems& problems) {
    Progress progress(ProgressStyle::Auto);
    const render::Rerender again = render::rerender(statement, options.log, crew, log, progress);
    if (!again.otherwise.empty()) log.warning(again.otherwise);
    for (const render::Rerendered& frame : again.frames) {
        fmt::print("frame {}: {}\n", frame.frame,
                   frame.same() ? "the same pixels" : "other pixels");
        if (!frame.same())
            problems.error(
                ExitCode::Mismatch,
                fmt::format("frame {} ({}): rendered again, its pixels' SHA-256 is {}, the log "
                            "says {}",
                            frame.frame, frame.name, frame.pixels,
                            frame.logged.empty() ? "none" : frame.logged));
    }
}

ExitCode verifyStatement(const provenance::Statement& statement, const std::string& signature,
                         const Options& options, const std::shared_ptr<model::Crew>& crew,
                         Log& log) {
    const auto folder = std::filesystem::absolute(options.log).parent_path();
    const provenance::Verification result =
        provenance::verifyFiles(statement, folder, !options.deliveredOnly);
    Problems problems = differencesOf(result, options.rerender);
    if (options.rerender) renderAgain(statement, options, crew, log, problems);
    problems.throwIfErrors();
    if (statement.outcome != provenance::Outcome::Done)
        throw Error(ExitCode::Mismatch,
                    fmt::format("{}: the render that wrote this log {}: {}", options.log.string(),
                                provenance::text(statement.outcome), statement.failure));
    fmt::print("{}: {} delivered files and {} inputs are what the log says; {}{}\n",
               options.log.string(), statement.subjects.size(),
               result.files - static_cast<int>(statement.subjects.size()), signature,
               options.rerender ? "; rendered again, every frame has the same pixels" : "");
    return ExitCode::Done;
}

ExitCode verify(const Options& options) {
    std::string signature;
    const std::string text = readLog(options, signature);
    const provenance::Statement statement = provenance::readStatement(text, options.log.string());
    if (options.rerender) installInterruptHandler();
    Log log;
    if (!options.distributed) return verifyStatement(statement, signature, options, nullptr, log);
    render::PlanOptions plan;
    plan.device = statement.device.substr(0, statement.device.find(':'));
    plan.threads = statement.threads;
    return render::together(plan, log, [&](const std::shared_ptr<model::Crew>& crew) {
        return verifyStatement(statement, signature, options, crew, log);
    });
}

}  // namespace

Action addVerify(CLI::App& app) {
    CLI::App* command =
        app.add_subcommand("verify", "check that every file is the one the log names");
    auto options = std::make_shared<Options>();
    command->add_option("log", options->log, "a provenance log")->required();
    command
        ->add_option("--key", options->key,
                     "the signer's public key: the log must be signed by it, and unchanged since")
        ->type_name("PUB.pem");
    CLI::Option* deliveredOnly = command->add_flag("--delivered-only", options->deliveredOnly,
                                                   "look at delivered frames alone, not at inputs");
    CLI::Option* rerender =
        command
            ->add_flag("--rerender", options->rerender,
                       "render the shot again, into a temporary folder, and compare the pixels")
            ->excludes(deliveredOnly);
    command
        ->add_flag("--distributed", options->distributed,
                   "with the other processes that torchrun, srun or mpirun started for this")
        ->needs(rerender);
    return [options] { return verify(*options); };
}

}  // namespace derrumbe::cli
