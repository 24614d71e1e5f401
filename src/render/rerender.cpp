#include "render/rerender.h"

#include <cstdlib>
#include <set>
#include <utility>

#include "provenance/digest.h"
#include "render/machine_speed.h"
#include "render/render.h"
#include "support/atomic_file.h"
#include "support/strings.h"
#include "support/version.h"

namespace derrumbe::render {

namespace fs = std::filesystem;

namespace {

/// A folder of the system's for temporary files, gone with this object.
class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::error_code code;
        std::string name = (fs::temp_directory_path(code) / "derrumbe_rerender_XXXXXX").string();
        if (code || ::mkdtemp(name.data()) == nullptr)
            throw Error(ExitCode::Output, "cannot make a temporary folder; set $TMPDIR", {name});
        path_ = name;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    const fs::path& path() const { return path_; }

  private:
    fs::path path_;
};

/// The shot that the log describes, delivering into `folder`. Names of frames and log stay, as EXR
/// headers hold the log's.
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
    shot::Shot shot = shot::parseShot(logged.shotJson, shotFile);
    shot.output.path.path = folder / shot.output.path.path.filename();
    shot.provenance.path.path = folder / shot.provenance.path.path.filename();
    return shot;
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
    setThreads(logged.threads);
    Problems problems;
    RenderPlan plan = makePlan(loggedShot(logged, file, folder), options, problems);
    problems.throwIfErrors();
    for (const Problem& problem : problems.list()) log.problem(problem);
    return plan;
}

using Contents = std::multiset<std::pair<std::string, std::string>>;  ///< role, SHA-256

Contents contents(const provenance::Statement& statement) {
    Contents all;
    for (const provenance::Dependency& input : statement.dependencies)
        all.emplace(input.role, input.sha256);
    return all;
}

/// Both logs must name the same contents: a model is looked up by its name, and may be another one
/// than the one whose files were checked.
void requireSameInputs(const provenance::Statement& logged, const provenance::Statement& again) {
    const Contents before = contents(logged);
    Problems problems;
    for (const provenance::Dependency& input : again.dependencies)
        if (before.count({input.role, input.sha256}) == 0)
            problems.error(ExitCode::Input,
                           cat(input.role, " ", input.path, " (SHA-256 ", input.sha256,
                               ") is read now, and the log does not name it"));
    problems.throwIfErrors();
    if (contents(again) != before)
        throw Error(ExitCode::Input, "not every input that the log names is read now");
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

Rerender rerender(const provenance::Statement& logged, const fs::path& file, Log& log,
                  Progress& progress) {
    const TemporaryFolder folder;
    const RenderPlan plan = planAgain(logged, file, folder.path(), log);
    RenderOptions options;
    options.overwrite = true;
    options.resume = false;
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
