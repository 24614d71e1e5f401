#include "render/plan_files.h"

#include <algorithm>
#include <map>
#include <set>

#include "image/sequence.h"
#include "render/plan_problems.h"
#include "render/plan_prompts.h"
#include "support/strings.h"

namespace derrumbe::render {

namespace fs = std::filesystem;

namespace {

/// Whether a file is there. One that cannot be looked at (a name that is too long, links that go in
/// a circle, a folder that may not be entered) is a problem, and counts as there.
bool isThere(const std::string& file, const Place& place, Problems& problems) {
    std::error_code error;
    const fs::file_status status = fs::status(file, error);
    if (status.type() == fs::file_type::not_found) return false;
    if (error)
        problems.error(ExitCode::Input, cat("cannot read ", file, ": ", error.message()), place);
    return true;
}

/// A frame range for a message.
std::string brief(const FrameList& frames) {
    const std::string text = formatFrameRange(frames);
    return text.size() > 200 ? text.substr(0, 200) + "..." : text;
}

std::set<int> askedFrames(const shot::Shot& shot, const PlanOptions& options, Problems& problems) {
    std::set<int> asked;
    if (options.frames.empty()) return asked;
    attemptAt(problems, {"--frames", 0, 0}, [&] {
        const FrameList list = parseFrameRange(options.frames);
        asked.insert(list.begin(), list.end());
        const std::set<int> known(shot.frames.begin(), shot.frames.end());
        FrameList others;
        for (const int frame : list)
            if (known.count(frame) == 0) others.push_back(frame);
        if (!others.empty())
            problems.error(ExitCode::Usage,
                           cat("--frames: ", brief(others), others.size() > 1 ? " are" : " is",
                               " not among the shot's frames (", brief(shot.frames), ")"));
    });
    return asked;
}

/// One file a source, of `matte` or `holdout`.
std::vector<std::string> matteFiles(const std::vector<shot::MatteSource>& sources,
                                    const std::string& list, int frame, const shot::Shot& shot,
                                    Problems& problems) {
    std::vector<std::string> files;
    for (size_t m = 0; m < sources.size(); ++m) {
        const Place place = shot.place(cat(list, ".", m, ".path"));
        files.push_back(image::SequencePath::parse(sources[m].path.string()).file(frame));
        if (!isThere(files.back(), place, problems))
            problems.error(ExitCode::Input,
                           cat("no ", list, " for frame ", frame, ": ", files.back()), place);
    }
    return files;
}

/// One file a guide; none of one that does not steer this frame.
std::vector<std::string> guideFiles(const shot::Shot& shot, int frame, Problems& problems) {
    std::vector<std::string> files;
    for (size_t g = 0; g < shot.guides.size(); ++g) {
        const shot::Guide& guide = shot.guides[g];
        const Place place = shot.place(cat("guides.", g, ".path"));
        files.emplace_back();
        if (!guide.frames.empty() &&
            std::find(guide.frames.begin(), guide.frames.end(), frame) == guide.frames.end())
            continue;
        files.back() = image::SequencePath::parse(guide.path.string()).file(frame);
        if (!isThere(files.back(), place, problems))
            problems.error(ExitCode::Input,
                           cat("no guide for frame ", frame, ": ", files.back(),
                               guide.frames.empty() ? "; `frames` says which ones it has" : ""),
                           place);
    }
    return files;
}

/// The mattes of every beat, in the frames that the model makes and where it has begun.
void addBeatMattes(RenderPlan& plan, Problems& problems) {
    const shot::Shot& shot = plan.shot;
    const std::vector<clip::Beat> beats = timeline(plan);
    for (FrameJob& job : plan.frames) {
        if (!job.generated) continue;
        for (size_t b = 0; b < beats.size(); ++b) {
            job.beatMattes.emplace_back();
            if (clip::takenOver(beats[b], job.index) > 0)
                job.beatMattes.back() = matteFiles(shot.beats[b].mattes, cat("beats.", b, ".matte"),
                                                   job.frame, shot, problems);
        }
    }
}

/// The shot's policy for plates that are not there.
void fillGaps(RenderPlan& plan, const std::vector<int>& missing, Problems& problems) {
    const shot::Shot& shot = plan.shot;
    const auto plate = image::SequencePath::parse(shot.plate.path.string());
    if (missing.size() == plan.frames.size() || shot.plate.missing == shot::Missing::Error) {
        for (const int frame : missing)
            problems.error(ExitCode::Input,
                           cat("no plate for frame ", frame, ": ", plate.file(frame)),
                           shot.place("plate.path"));
        return;
    }
    // A gap at the head has nothing before it to hold: the first plate stands in.
    const auto first = std::find_if(plan.frames.begin(), plan.frames.end(),
                                    [](const FrameJob& job) { return !job.plate.empty(); });
    for (FrameJob& job : plan.frames)
        if (job.held && job.plate.empty()) job.plate = first->plate;
    problems.warning(cat("plates ", formatFrameRange(missing), " are missing: ",
                         shot.plate.missing == shot::Missing::Hold ? "held" : "black"),
                     shot.place("plate.missing"));
}

/// A file's one name, whatever links lead to it.
std::string oneName(const fs::path& file) {
    std::error_code error;
    const fs::path real = fs::weakly_canonical(file, error);
    return (error ? file.lexically_normal() : real).string();
}

/// Every file that is read, by its one name, and what it is.
std::map<std::string, std::string> inputFiles(const RenderPlan& plan,
                                              const std::string& ocioConfig) {
    std::map<std::string, std::string> inputs;
    const auto add = [&](const fs::path& file, const char* what) {
        if (!file.empty()) inputs.emplace(oneName(file), what);
    };
    add(plan.shot.file, "the shot file");
    for (const FrameJob& job : plan.frames) {
        add(job.plate, "a plate");
        for (const std::string& matte : job.mattes) add(matte, "a matte");
        for (const std::string& holdout : job.holdouts) add(holdout, "a holdout");
        for (const std::string& guide : job.guides) add(guide, "a guide");
    }
    // Also those that this render does not read: they are the artist's.
    const auto addAll = [&](const std::vector<shot::MatteSource>& sources, const char* what) {
        for (const shot::MatteSource& source : sources)
            for (const FrameJob& job : plan.frames)
                add(image::SequencePath::parse(source.path.string()).file(job.frame), what);
    };
    addAll(plan.shot.mattes, "a matte");
    addAll(plan.shot.holdouts, "a holdout");
    for (const shot::Beat& beat : plan.shot.beats) addAll(beat.mattes, "a matte");
    for (const shot::Guide& guide : plan.shot.guides)
        for (const FrameJob& job : plan.frames)
            add(image::SequencePath::parse(guide.path.string()).file(job.frame), "a guide");
    for (const shot::FilePath& reference : plan.shot.references) add(reference.path, "a reference");
    for (const shot::Keyframe& keyframe : plan.shot.keyframes)
        add(keyframe.path.path, "a keyframe");
    for (const auto& file : plan.model.files) add(file.path, "part of the model");
    for (const model::LoraFile& lora : plan.loras) add(lora.path, "a LoRA");
    add(ocioConfig, "the OCIO configuration");
    return inputs;
}

}  // namespace

void planFiles(RenderPlan& plan, const PlanOptions& options, Problems& problems) {
    const shot::Shot& shot = plan.shot;
    const std::set<int> asked = askedFrames(shot, options, problems);
    const auto plate = image::SequencePath::parse(shot.plate.path.string());
    const auto output = image::SequencePath::parse(shot.output.path.string());
    FrameList sorted = shot.frames;
    std::sort(sorted.begin(), sorted.end());
    std::vector<int> missing;
    std::string heldPlate;
    for (size_t i = 0; i < sorted.size(); ++i) {
        FrameJob job;
        job.frame = sorted[i];
        job.index = static_cast<int>(i);
        job.plate = plate.file(job.frame);
        job.generated = !shot.onset || job.frame >= *shot.onset;
        job.deliver = asked.empty() || asked.count(job.frame) != 0;
        job.output = output.file(job.frame);
        if (isThere(job.plate, shot.place("plate.path"), problems)) {
            heldPlate = job.plate;
        } else {
            missing.push_back(job.frame);
            job.held = shot.plate.missing == shot::Missing::Hold;
            job.plate = job.held ? heldPlate : "";
        }
        if (job.generated) {
            job.mattes = matteFiles(shot.mattes, "matte", job.frame, shot, problems);
            job.holdouts = matteFiles(shot.holdouts, "holdout", job.frame, shot, problems);
            job.guides = guideFiles(shot, job.frame, problems);
        }
        plan.frames.push_back(std::move(job));
    }
    addBeatMattes(plan, problems);
    if (!missing.empty()) fillGaps(plan, missing, problems);
}

void refuseOverwrites(const RenderPlan& plan, const std::string& ocioConfig, Problems& problems) {
    const std::map<std::string, std::string> inputs = inputFiles(plan, ocioConfig);
    const auto refuse = [&](const std::string& key, const std::vector<std::string>& outputs) {
        std::string hit, what;
        size_t count = 0;
        for (const std::string& output : outputs) {
            const auto input = inputs.find(oneName(output));
            if (input == inputs.end() || ++count > 1) continue;
            hit = output, what = input->second;
        }
        if (count == 0) return;
        const std::string more = count > 1 ? cat(" (and ", count - 1, " more like it)") : "";
        problems.error(ExitCode::Usage,
                       cat(key, " would write over ", what, ": ", hit, more,
                           "; choose a path that no input has"),
                       plan.shot.place(key));
    };
    std::vector<std::string> outputs;
    for (const FrameJob& job : plan.frames) outputs.push_back(job.output);
    refuse("output.path", outputs);
    refuse("provenance.path", {plan.shot.provenance.path.string()});
}

}  // namespace derrumbe::render
