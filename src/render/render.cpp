#include "render/render.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <filesystem>
#include <mutex>

#include "provenance/envelope.h"
#include "provenance/machine.h"
#include "render/failure.h"
#include "render/kept.h"
#include "render/run.h"
#include "render/state.h"
#include "render/together.h"
#include "support/atomic_file.h"
#include "support/frame_range.h"
#include "support/in_parallel.h"
#include "support/interrupt.h"
#include "support/strings.h"

namespace derrumbe::render {

namespace {

namespace fs = std::filesystem;

/// What cannot be delivered is found out before anything is computed.
void prepareOutputs(const Run& run) {
    const fs::path frames = fs::path(run.plan.frames.front().output).parent_path();
    const fs::path log = run.plan.shot.provenance.path.path.parent_path();
    for (const fs::path& folder : {frames, log}) {
        ensureWritable(folder);
        removeStalePartials(folder);
    }
    if (run.options.dumpTensors.empty()) return;
    ensureWritable(fs::path(run.options.dumpTensors).parent_path());
    if (run.plan.region.crop.empty())
        throw Error(ExitCode::Usage,
                    "--dump-tensors: nothing is generated in this shot (its matte is empty from "
                    "the onset on), so there are no tensors; leave the option out");
}

/// Describes the frames that are there already, of this content and unchanged, and that the record
/// does not have yet; with `overwrite` those that are asked for are not looked at.
void describeKept(Run& run, const std::optional<FormerLog>& former, bool overwrite) {
    for (const FrameJob& job : run.plan.frames) {
        if ((job.deliver && overwrite) || run.record.has(job.output)) continue;
        if (auto kept = keptFrame(run.plan, job, run.record.contentSha256, former)) {
            run.result.kept += job.deliver ? 1 : 0;
            run.record.frames.push_back(std::move(*kept));
        }
    }
}

/// The jobs that are asked for and not delivered yet; every other frame that is there goes into the
/// record as kept, whatever was asked for.
std::vector<const FrameJob*> framesToRender(Run& run) {
    describeKept(run, readFormerLog(run.plan.shot.provenance.path), run.options.overwrite);
    std::vector<const FrameJob*> jobs;
    for (const FrameJob& job : run.plan.frames)
        if (job.deliver && !run.record.has(job.output)) jobs.push_back(&job);
    if (run.result.kept > 0)
        run.log.info(cat(run.result.kept,
                         " frames are already there and are kept; --overwrite renders them again"));
    return jobs;
}

/// Frames side by side, as many as the plan has memory for; those that are whole are in the record,
/// in the order of the jobs, also where one of them fails.
void deliver(Run& run, const std::vector<const FrameJob*>& jobs, const Generated& generated) {
    std::vector<std::optional<Delivered>> delivered(jobs.size());
    std::mutex counting;
    const auto keep = [&] {
        for (std::optional<Delivered>& frame : delivered)
            if (frame) run.record.frames.push_back(std::move(*frame));
    };
    try {
        inParallel(static_cast<int>(jobs.size()), run.plan.framesAtOnce, [&](int i) {
            throwIfInterrupted();
            delivered[i] =
                deliverFrame(run.plan, run.colours, *jobs[i], generated, run.record.contentSha256);
            const std::lock_guard lock(counting);
            run.progress.update(++run.result.rendered, static_cast<double>(jobs.size()));
        });
    } catch (...) {
        keep();
        throw;
    }
    keep();
}

/// Takes frames out of the record that are gone again, with a folder that was removed or renamed
/// meanwhile: no log may name them. Returns the first; empty: none.
std::string forgetGone(Record& record) {
    const auto gone = [](const Delivered& frame) {
        std::error_code unknown;
        return !fs::is_regular_file(frame.file, unknown);
    };
    const auto first = std::find_if(record.frames.begin(), record.frames.end(), gone);
    if (first == record.frames.end()) return {};
    std::string file = first->file;
    std::erase_if(record.frames, gone);
    return file;
}

/// The way of the data.
void renderShot(Run& run) {
    prepareOutputs(run);
    run.record.clock.begin("hashing inputs");
    run.record.inputs = hashInputs(run.plan, run.colours.path());
    run.record.contentSha256 = contentHash(run.plan, run.record.inputs);
    const std::vector<const FrameJob*> jobs = framesToRender(run);
    const bool needsModel =
        !run.plan.region.crop.empty() &&
        (!run.options.dumpTensors.empty() ||
         std::any_of(jobs.begin(), jobs.end(), [](const FrameJob* job) { return job->generated; }));
    const Generated generated = needsModel ? generate(run) : Generated{};
    run.stage("writing frames", 0.05);
    deliver(run, jobs, generated);
    if (const std::string gone = forgetGone(run.record); !gone.empty())
        throw Error(ExitCode::Output,
                    "was delivered and is gone: its folder was removed or renamed meanwhile; run "
                    "the same command again",
                    {gone});
    StateStore(fs::path(run.plan.frames.front().output).parent_path(), run.record.contentSha256)
        .remove();
    run.progress.finish();
}

/// The log of a render that ended so.
std::string logText(const Run& run, provenance::Outcome outcome, const std::string& failure) {
    Record record = run.record;
    std::sort(record.frames.begin(), record.frames.end(),
              [](const Delivered& a, const Delivered& b) { return a.frame < b.frame; });
    const auto kept = std::count_if(record.frames.begin(), record.frames.end(),
                                    [](const Delivered& frame) { return frame.kept; });
    if (kept > 0)
        record.events.push_back({"kept",
                                 cat("not rendered by this run, but delivered by the same shot: ",
                                     kept, " of ", record.frames.size(), " frames"),
                                 {},
                                 utcNow()});
    for (const std::string& warning : run.log.warnings())
        record.events.push_back({"warning", warning, {}, ""});
    const std::string statement =
        provenance::statementJson(record.statement(run.plan, outcome, failure));
    const std::string& key = run.options.signingKey;
    return key.empty() ? statement : provenance::signEnvelope(statement, key);
}

void writeLog(Run& run, provenance::Outcome outcome, const std::string& failure) {
    const fs::path& path = run.plan.shot.provenance.path;
    std::error_code unknown;
    forgetGone(run.record);
    const auto former = readFormerLog(path);
    if (former) run.record.addRuns(former->statement);
    // Frames that this run did not come to are described, too.
    if (!run.record.contentSha256.empty()) describeKept(run, former, false);
    const bool replaceable =
        former ? former->statement.subjects.empty() : !fs::exists(path, unknown);
    if (outcome != provenance::Outcome::Done && run.record.frames.empty() && !replaceable) {
        run.log.info(cat("nothing was delivered; the log of earlier frames stays as it is: ",
                         path.string()));
        return;
    }
    const SetAside aside = setAsideForeign(former, run.record.contentSha256, run.record.frames);
    if (!aside.frames.empty())
        run.log.warning(cat("frames ", formatFrameRange(aside.frames),
                            " are there from other settings or inputs; the log that describes them "
                            "is kept as ",
                            aside.path.string()));
    // Tasks of one shot write one log. Each looks at what it replaced, and for frames again once
    // its own is there, so that the last one names every frame and every run, whoever was between.
    for (bool more = true; more;) {
        const size_t described = run.record.frames.size();
        const auto replaced = swapTextAtomically(path, logText(run, outcome, failure));
        const auto between = replaced ? readFormerLog(path, *replaced) : std::nullopt;
        more = between && run.record.addRuns(between->statement);
        if (!run.record.contentSha256.empty()) describeKept(run, readFormerLog(path), false);
        more = more || run.record.frames.size() > described;
    }
}

/// The log says what was done and what went wrong; one that fails too must not hide the error
/// itself.
void writeFailureLog(Run& run, const Error& error) {
    try {
        writeLog(run,
                 error.code() == ExitCode::Interrupted ? provenance::Outcome::Interrupted
                                                       : provenance::Outcome::Failed,
                 error.what());
    } catch (const std::exception& second) {
        run.log.warning(second.what());
    }
}

}  // namespace

RenderResult render(const RenderPlan& plan, const RenderOptions& options, Log& log,
                    Progress& progress) {
    const c10::InferenceMode inference;
    Run run{plan, options, log, progress};
    run.record.startedOn = utcNow();
    run.record.cpuSecondsBefore = provenance::processUse().cpuSeconds;
    run.record.invocationId = provenance::newInvocationId();
    run.record.requestedFrames = plan.requestedFrames;
    if (options.crew) {
        run.record.processes = processTexts(*options.crew);
        run.record.severalMachines = onSeveralMachines(*options.crew);
    }
    try {
        renderShot(run);
    } catch (const std::exception& failure) {
        const Error error = asError(failure);
        writeFailureLog(run, error);
        throw error;
    }
    writeLog(run, provenance::Outcome::Done, "");
    run.result.frames = run.record.frames;
    run.result.log = plan.shot.provenance.path.string();
    return run.result;
}

}  // namespace derrumbe::render
