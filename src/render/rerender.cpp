#include "render/rerender.h"

#include <utility>

#include "model/distributed/crew.h"
#include "provenance/digest.h"
#include "provenance/input_changes.h"
#include "render/elsewhere.h"
#include "render/machine_speed.h"
#include "render/render.h"
#include "support/atomic_file.h"
#include "support/folders.h"
#include "support/strings.h"
#include "support/version.h"

namespace derrumbe::render {

namespace fs = std::filesystem;

namespace {

/// The shot that the log describes, delivering into `folder`.
shot::Shot loggedShot(const provenance::Statement& logged, const fs::path& file,
                      const fs::path& folder) {
    if (logged.shotFile.empty())
        throw Error(
            ExitCode::Usage,
            "the log does not say where its shot file lay (an earlier version wrote it), so "
            "its paths lead nowhere; render the shot again to have a log that does",
            {file.string()});
    const fs::path shotFile =
        (fs::absolute(file).parent_path() / logged.shotFile).lexically_normal();
    return deliveredInto(shot::parseShot(logged.shotJson, shotFile), folder);
}

/// Other numbers of processes sum in another order.
void requireSameProcesses(const provenance::Statement& logged, const fs::path& file, int here) {
    if (logged.processes == here) return;
    throw Error(ExitCode::Usage,
                cat("the log was written by ", logged.processes,
                    logged.processes == 1 ? " process" : " processes", ", and ", here,
                    here == 1 ? " is" : " are",
                    " here: the pixels would differ in their last digits; start as many, with "
                    "--distributed where they are several"),
                {file.string()});
}

RenderPlan planAgain(const provenance::Statement& logged, const fs::path& file,
                     const fs::path& folder, Log& log) {
    PlanOptions options;
    FrameList frames;
    for (const provenance::Subject& subject : logged.subjects)
        if (subject.frame) frames.push_back(*subject.frame);
    if (frames.empty())
        throw Error(ExitCode::Usage, "the log names no frame to render again", {file.string()});
    options.frames = formatFrameRange(frames);
    options.device = logged.device.empty() ? "auto" : logged.device;
    options.maxMemory = logged.maxMemory;
    options.processes = logged.processes;
    setThreads(logged.threads);
    Problems problems;
    RenderPlan plan = makePlan(loggedShot(logged, file, folder), options, problems);
    problems.throwIfErrors();
    for (const Problem& problem : problems.list()) log.problem(problem);
    return plan;
}

/// Both logs must name the same contents: a model is looked up by its name, and may be another one
/// than the one whose files were checked.
void requireSameInputs(const provenance::Statement& logged, const provenance::Statement& again) {
    const provenance::InputChanges changes =
        provenance::inputChanges(logged.dependencies, again.dependencies);
    Problems problems;
    for (const provenance::Dependency& input : changes.added)
        problems.error(ExitCode::Input, cat(input.role, " ", input.path, " (SHA-256 ", input.sha256,
                                            ") is read now, and the log does not name it"));
    for (const provenance::Dependency& input : changes.gone)
        problems.error(ExitCode::Input,
                       cat(input.role, " ", input.path, " is named by the log, and not read now"));
    problems.throwIfErrors();
}

std::string builderText(const provenance::Builder& builder) {
    return cat("derrumbe ", builder.version, " ", builder.commit, ", ", builder.compiler);
}

/// Why the content is not the log's though the inputs are.
std::string difference(const provenance::Statement& logged, const provenance::Statement& again) {
    if (logged.contentSha256 == again.contentSha256) return "";
    const std::string then = builderText(logged.builder), now = builderText(again.builder);
    if (then != now) return cat("the log was written by ", then, ", this is ", now);
    return "the build or the kind of processor is another one than the log's";
}

}  // namespace

Rerender rerender(const provenance::Statement& logged, const fs::path& file,
                  const std::shared_ptr<model::Crew>& crew, Log& log, Progress& progress) {
    requireSameProcesses(logged, file, crew ? crew->size() : 1);
    const TemporaryFolder folder("rerender");
    const RenderPlan plan = planAgain(logged, file, folder.path(), log);
    RenderOptions options;
    options.overwrite = true;
    options.resume = false;
    options.crew = crew;
    const RenderResult result = render(plan, options, log, progress);
    const provenance::Statement again =
        provenance::readStatement(readFile(result.log), file.string());
    requireSameInputs(logged, again);
    Rerender answer;
    answer.otherwise = difference(logged, again);
    for (const provenance::Subject& subject : logged.subjects) {
        if (!subject.frame) continue;
        Rerendered frame{*subject.frame, subject.name, subject.pixelSha256, {}};
        for (const Delivered& delivered : result.frames)
            if (delivered.frame == frame.frame) frame.pixels = delivered.pixelSha256;
        answer.frames.push_back(std::move(frame));
    }
    return answer;
}

}  // namespace derrumbe::render
