#include "render/render.h"

#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <filesystem>
#include <new>

#include "render/run.h"
#include "render/state.h"
#include "support/atomic_file.h"
#include "support/interrupt.h"
#include "support/strings.h"

namespace derrumbe::render {

namespace {

/// The jobs that are asked for and not delivered yet; the others go into the record as kept.
std::vector<const FrameJob*> framesToRender(Run& run) {
    std::vector<const FrameJob*> jobs;
    for (const FrameJob& job : run.plan.frames) {
        if (!job.deliver) continue;
        if (!run.options.overwrite && alreadyDelivered(job, run.record.contentSha256)) {
            run.record.frames.push_back(describeDelivered(run.plan, job));
            ++run.result.kept;
        } else {
            jobs.push_back(&job);
        }
    }
    if (run.result.kept > 0) {
        run.event("kept", cat(run.result.kept, " frames were already delivered by the same shot"));
        run.log.info(cat(run.result.kept,
                         " frames are already there and are kept; --overwrite renders them again"));
    }
    return jobs;
}

void deliver(Run& run, const std::vector<const FrameJob*>& jobs, const Clip& generated) {
    for (const FrameJob* job : jobs) {
        throwIfInterrupted();
        run.record.frames.push_back(
            deliverFrame(run.plan, run.colours, *job, generated, run.record.contentSha256));
        ++run.result.rendered;
        run.progress.update(run.result.rendered, static_cast<double>(jobs.size()));
    }
}

/// The way of the data.
void renderShot(Run& run) {
    ensureWritable(std::filesystem::path(run.plan.frames.front().output).parent_path());
    ensureWritable(run.plan.shot.provenance.path.path.parent_path());
    run.record.clock.begin("hashing inputs");
    run.record.inputs = hashInputs(run.plan, run.colours.path());
    run.record.contentSha256 = contentHash(run.plan, run.record.inputs);
    const std::vector<const FrameJob*> jobs = framesToRender(run);
    const bool needsModel =
        !run.plan.region.crop.empty() &&
        std::any_of(jobs.begin(), jobs.end(), [](const FrameJob* job) { return job->generated; });
    const Clip generated = needsModel ? generate(run) : Clip{};
    run.stage("writing frames", 0.05);
    deliver(run, jobs, generated);
    StateStore(std::filesystem::path(run.plan.frames.front().output).parent_path(),
               run.record.contentSha256)
        .remove();
    run.progress.finish();
}

void writeLog(Run& run, provenance::Outcome outcome, const std::string& failure) {
    std::sort(run.record.frames.begin(), run.record.frames.end(),
              [](const Delivered& a, const Delivered& b) { return a.frame < b.frame; });
    for (const std::string& warning : run.log.warnings())
        run.record.events.push_back({"warning", warning, {}, ""});
    writeTextAtomically(
        run.plan.shot.provenance.path.path,
        provenance::statementJson(run.record.statement(run.plan, outcome, failure)));
}

/// Memory that ran out in the tensor library comes as its own error type; the farm must hear code
/// 33 to give more.
Error memoryError(const c10::Error& error) {
    const std::string what = error.what_without_backtrace();
    const bool memory = what.find("allocate memory") != std::string::npos ||
                        what.find("out of memory") != std::string::npos;
    return memory ? Error(ExitCode::Memory,
                          "out of memory: " + what.substr(0, what.find('\n')) +
                              "; `derrumbe plan` says what a render needs, a smaller region or "
                              "shorter windows need less")
                  : Error(ExitCode::Internal, "internal error, please report it: " + what);
}

/// renderShot, with every failure as an Error.
void renderOrThrow(Run& run) {
    try {
        renderShot(run);
    } catch (const c10::Error& error) {
        throw memoryError(error);
    } catch (const std::bad_alloc&) {
        throw Error(ExitCode::Memory, "out of memory; `derrumbe plan` says what a render needs");
    }
}

}  // namespace

RenderResult render(const RenderPlan& plan, const RenderOptions& options, Log& log,
                    Progress& progress) {
    const c10::InferenceMode inference;
    Run run{plan, options, log, progress};
    run.record.startedOn = utcNow();
    run.record.invocationId = provenance::newInvocationId();
    run.record.requestedFrames = plan.requestedFrames;
    try {
        renderOrThrow(run);
    } catch (const Error& error) {
        // The log says what was done and what went wrong; a log that fails too must not hide the
        // error itself.
        const bool stopped = error.code() == ExitCode::Interrupted;
        try {
            writeLog(run, stopped ? provenance::Outcome::Interrupted : provenance::Outcome::Failed,
                     error.what());
        } catch (const Error& second) {
            log.warning(second.what());
        }
        throw;
    }
    writeLog(run, provenance::Outcome::Done, "");
    run.result.frames = run.record.frames;
    run.result.log = plan.shot.provenance.path.string();
    return run.result;
}

}  // namespace derrumbe::render
