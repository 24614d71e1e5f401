#include "cli/golden.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <system_error>

#include "cli/commands.h"
#include "cli/shot_options.h"
#include "image/sequence.h"
#include "provenance/input_changes.h"
#include "provenance/statement.h"
#include "render/failure.h"
#include "render/machine_speed.h"
#include "render/processor.h"
#include "render/render.h"
#include "support/atomic_file.h"
#include "support/folders.h"
#include "support/frame_range.h"

namespace derrumbe::cli {

namespace fs = std::filesystem;

namespace {

constexpr const char* kGoldenJson = "golden.json";

/// The shot files of a folder, in the order of their names.
std::vector<fs::path> shotFiles(const fs::path& folder, Problems& problems) {
    std::vector<fs::path> files;
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
        const fs::path& path = it->path();
        const bool yaml = path.extension() == ".yaml" || path.extension() == ".yml";
        if (yaml && path.filename().string().front() != '.') files.push_back(path);
    }
    if (error)
        problems.error(ExitCode::Input, "cannot be read: " + error.message(), {folder.string()});
    else if (files.empty())
        problems.error(ExitCode::Usage, "holds no shot files (*.yaml)", {folder.string()});
    std::sort(files.begin(), files.end());
    return files;
}

GoldenShot readGoldenShot(const fs::path& file, const GoldenOptions& options, Problems& problems) {
    GoldenShot shot;
    shot.stem = file.stem().string();
    shot.golden = fs::absolute(file).parent_path() / (shot.stem + ".golden");
    const bool check = !options.folder.empty();
    const size_t before = problems.list().size();
    std::error_code unknown;
    const bool there = fs::exists(shot.golden / kGoldenJson, unknown);
    if (there)
        shot.file = readGolden(shot.golden / kGoldenJson, problems);
    else if (check)
        problems.error(ExitCode::Input,
                       "has no golden frames yet: `derrumbe golden update` makes them",
                       {file.string()});
    else
        shot.file.tolerances = defaultTolerances();
    ShotOptions render;
    render.shot = file.string();
    render.plan.device = options.device;
    render.plan.threads = options.threads;
    render.makePlanInto(
        check ? options.folder / shot.stem : fs::path(shot.golden.string() + ".part"), shot.plan,
        problems);
    const auto& all = problems.list();
    const bool good = std::none_of(all.begin() + static_cast<std::ptrdiff_t>(before), all.end(),
                                   [](const Problem& problem) { return !problem.warning; });
    if (!check || !there || !good) return shot;
    const std::string kind = render::processorKind(shot.plan.device);
    if (shot.file.toleranceFor(kind) == nullptr)
        problems.error(ExitCode::Usage,
                       fmt::format("has no tolerance for this kind of processor, '{}'", kind),
                       {(shot.golden / kGoldenJson).string()});
    return shot;
}

/// Folder and name of a file: what people know it by, whatever machine it lies on.
std::string shortName(const fs::path& path) {
    return (path.parent_path().filename() / path.filename()).generic_string();
}

struct Rendered {
    render::RenderResult result;
    provenance::Statement log;
};

Rendered renderShot(const GoldenShot& shot, int threads, const render::RenderOptions& options,
                    Log& log, Progress& progress) {
    render::setThreads(threads);
    Rendered rendered{render::render(shot.plan, options, log, progress), {}};
    rendered.log = provenance::readStatement(readFile(rendered.result.log), rendered.result.log);
    for (provenance::Dependency& input : rendered.log.dependencies)
        input.path = shortName(input.path);
    return rendered;
}

/// What is in a folder beside the files named goes: the log, which holds what differs from render
/// to render, state, and frames of an update that was not finished.
void keepOnly(const fs::path& folder, const std::set<std::string>& names) {
    std::error_code error;
    std::vector<fs::path> others;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
        if (names.count(it->path().filename().string()) == 0) others.push_back(it->path());
    for (const fs::path& other : others)
        if (!error) fs::remove_all(other, error);
    if (error)
        throw Error(ExitCode::Output, "cannot be cleared: " + error.message(), {folder.string()});
}

std::string text(const Tolerance& tolerance) {
    std::string text;
    if (tolerance.maxError) text += fmt::format(", max error {:g}", *tolerance.maxError);
    if (tolerance.flip) text += fmt::format(", FLIP {:g}", *tolerance.flip);
    if (tolerance.psnr) text += fmt::format(", PSNR {:g} dB", *tolerance.psnr);
    return text;
}

/// Which inputs are not those of the golden frames; empty: none.
std::string changedInputs(const std::vector<provenance::Dependency>& golden,
                          const std::vector<provenance::Dependency>& now) {
    const auto [gone, added] = provenance::inputChanges(golden, now);
    const auto holds = [](const std::vector<provenance::Dependency>& inputs,
                          const provenance::Dependency& input) {
        return std::any_of(inputs.begin(), inputs.end(), [&](const provenance::Dependency& it) {
            return it.role == input.role && it.path == input.path;
        });
    };
    std::string text;
    const auto add = [&](const provenance::Dependency& input, const char* what) {
        text += fmt::format("{}{} {} {}", text.empty() ? "" : "; ", input.role, input.path, what);
    };
    for (const provenance::Dependency& input : added)
        add(input, holds(gone, input) ? "has changed since the golden frames were made"
                                      : "was not read for the golden frames");
    for (const provenance::Dependency& input : gone)
        if (!holds(added, input)) add(input, "was read for the golden frames and is not now");
    return text;
}

FrameResult compareInputs(const GoldenShot& shot, const provenance::Statement& now) {
    FrameResult result;
    result.name = shot.stem + " inputs";
    result.comparison.mismatch = changedInputs(shot.file.inputs, now.dependencies);
    result.comparison.psnr = std::numeric_limits<double>::infinity();
    result.passed = result.comparison.mismatch.empty();
    return result;
}

}  // namespace

std::vector<GoldenShot> readGoldenShots(const fs::path& folder, const GoldenOptions& options,
                                        Problems& problems) {
    std::vector<GoldenShot> shots;
    std::set<std::string> stems;
    for (const fs::path& file : shotFiles(folder, problems)) {
        shots.push_back(readGoldenShot(file, options, problems));
        if (!stems.insert(shots.back().stem).second)
            problems.error(ExitCode::Usage, "another shot of this folder has the same name",
                           {file.string()});
    }
    return shots;
}

void updateGolden(const GoldenShot& shot, const GoldenOptions& options, Log& log,
                  Progress& progress) {
    const Rendered now = renderShot(shot, options.threads, {}, log, progress);
    GoldenFile file;
    file.tolerances = shot.file.tolerances;
    file.pattern = fs::path(shot.plan.shot.output.path.string()).filename().string();
    file.frames = formatFrameRange(shot.plan.shot.frames);
    file.processor = render::processorKind(shot.plan.device);
    file.builder = versionText();
    file.model = fmt::format("{} {}", shot.plan.model.name, shot.plan.model.version);
    file.threads = now.log.threads;
    file.inputs = now.log.dependencies;
    const fs::path part = fs::path(now.result.log).parent_path();
    writeTextAtomically(part / kGoldenJson, goldenJson(file));
    std::set<std::string> names{kGoldenJson};
    for (const render::FrameJob& job : shot.plan.frames)
        names.insert(fs::path(job.output).filename().string());
    keepOnly(part, names);
    replaceFolder(part, shot.golden);
}

std::vector<FrameResult> checkGolden(const GoldenShot& shot, const GoldenOptions& options,
                                     Comparer& comparer, Log& log, Progress& progress) {
    const std::string kind = render::processorKind(shot.plan.device);
    comparer.tolerance = *shot.file.toleranceFor(kind);
    log.info(fmt::format("{}: golden frames of {} by {}, checked on {} by {}{}", shot.stem,
                         shot.file.processor, shot.file.builder, kind, versionText(),
                         text(comparer.tolerance)));
    std::vector<FrameResult> results;
    try {
        render::RenderOptions fresh;
        fresh.resume = false;
        const int threads = options.threads > 0 ? options.threads : shot.file.threads;
        const Rendered now = renderShot(shot, threads, fresh, log, progress);
        results.push_back(compareInputs(shot, now.log));
    } catch (const std::exception& failure) {
        const Error error = render::asError(failure);
        if (error.code() == ExitCode::Interrupted) throw error;
        FrameResult result;
        result.name = shot.stem;
        result.error = error.what();
        result.errorCode = error.code();
        return {result};
    }
    // A frame that only one side has is a difference.
    std::map<int, std::string> rendered;
    for (const int frame : parseFrameRange(shot.file.frames)) rendered[frame] = {};
    for (const render::FrameJob& job : shot.plan.frames) rendered[job.frame] = job.output;
    const auto golden = image::SequencePath::parse((shot.golden / shot.file.pattern).string());
    for (const auto& [frame, file] : rendered) {
        FrameResult result;
        if (file.empty())
            result.comparison.mismatch = "the shot has no such frame any more";
        else
            result = comparer.compare(std::to_string(frame), file, golden.file(frame));
        result.name = fmt::format("{} {}", shot.stem, frame);
        results.push_back(std::move(result));
    }
    return results;
}

}  // namespace derrumbe::cli
