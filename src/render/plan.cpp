#include "render/plan.h"

#include <algorithm>
#include <set>

#include "image/colour.h"
#include "image/matte.h"
#include "image/probe.h"
#include "image/sequence.h"
#include "image/write_exr.h"
#include "render/inputs.h"
#include "render/machine_speed.h"
#include "support/strings.h"

namespace derrumbe::render {

namespace {

/// Gathers the problems of one piece of work and goes on with the next.
template <class Work>
bool attempt(Problems& problems, const Work& work) {
    try {
        work();
        return true;
    } catch (const Error& error) {
        problems.add(error.problems());
        return false;
    }
}

/// Adds the shot file's line to errors that know only the file that is wrong.
template <class Work>
bool attemptAt(Problems& problems, const Place& place, const Work& work) {
    try {
        work();
        return true;
    } catch (const Error& error) {
        for (Problem problem : error.problems()) {
            if (problem.place.file.empty()) problem.place = place;
            problems.add({problem});
        }
        return false;
    }
}

void planFiles(RenderPlan& plan, const PlanOptions& options, Problems& problems) {
    const shot::Shot& shot = plan.shot;
    std::set<int> asked;
    if (!options.frames.empty()) {
        const FrameList list = parseFrameRange(options.frames);
        asked.insert(list.begin(), list.end());
        for (const int frame : list)
            if (std::find(shot.frames.begin(), shot.frames.end(), frame) == shot.frames.end())
                problems.error(ExitCode::Usage,
                               cat("--frames: ", frame, " is not one of the shot's frames (",
                                   formatFrameRange(shot.frames), ")"));
    }
    const auto plate = image::SequencePath::parse(shot.plate.path.string());
    const auto output = image::SequencePath::parse(shot.output.path.string());
    std::vector<image::SequencePath> mattes;
    for (const shot::MatteSource& matte : shot.mattes)
        mattes.push_back(image::SequencePath::parse(matte.path.string()));

    FrameList sorted = shot.frames;
    std::sort(sorted.begin(), sorted.end());
    std::vector<int> missing;
    std::string heldPlate;
    for (size_t i = 0; i < sorted.size(); ++i) {
        FrameJob job;
        job.frame = sorted[i];
        job.index = static_cast<int>(i);
        job.plate = plate.file(job.frame);
        if (!std::filesystem::exists(job.plate)) {
            missing.push_back(job.frame);
            job.held = shot.plate.missing == shot::Missing::Hold;
            job.plate = job.held ? heldPlate : "";
        } else {
            heldPlate = job.plate;
        }
        for (size_t m = 0; m < mattes.size(); ++m) {
            job.mattes.push_back(mattes[m].file(job.frame));
            if (!std::filesystem::exists(job.mattes.back()))
                problems.error(ExitCode::Input,
                               cat("no matte for frame ", job.frame, ": ", job.mattes.back()),
                               shot.place(cat("matte.", m, ".path")));
        }
        job.output = output.file(job.frame);
        job.generated = !shot.onset || job.frame >= *shot.onset;
        job.deliver = asked.empty() || asked.count(job.frame) != 0;
        plan.frames.push_back(std::move(job));
    }
    if (missing.size() == sorted.size() ||
        (!missing.empty() && shot.plate.missing == shot::Missing::Error)) {
        for (const int frame : missing)
            problems.error(ExitCode::Input,
                           cat("no plate for frame ", frame, ": ", plate.file(frame)),
                           shot.place("plate.path"));
    } else if (!missing.empty()) {
        // A gap at the head has nothing before it to hold: the first plate stands in.
        const auto first = std::find_if(plan.frames.begin(), plan.frames.end(),
                                        [](const FrameJob& job) { return !job.plate.empty(); });
        for (FrameJob& job : plan.frames)
            if (job.held && job.plate.empty()) job.plate = first->plate;
        problems.warning(cat("plates ", formatFrameRange(missing), " are missing: ",
                             shot.plate.missing == shot::Missing::Hold ? "held" : "black"),
                         shot.place("plate.missing"));
    }
}

void planPicture(RenderPlan& plan, const image::ColorConfig& colours, Problems& problems) {
    const shot::Shot& shot = plan.shot;
    const auto whole = std::find_if(plan.frames.begin(), plan.frames.end(),
                                    [](const FrameJob& job) { return !job.plate.empty(); });
    if (whole == plan.frames.end() || !std::filesystem::exists(whole->plate)) return;
    const image::PlateProbe info = image::probe(whole->plate);
    plan.plateData = info.data;
    plan.plateDisplay = info.display;
    plan.pixelAspect = info.pixelAspect;
    plan.fps = shot.fps ? *shot.fps : shot::Rate{};
    if (!shot.fps && info.framesPerSecond)
        plan.fps = {info.framesPerSecond->numerator,
                    static_cast<int>(info.framesPerSecond->denominator)};
    for (const std::string& note : info.notes) problems.warning(note, {whole->plate, 0, 0});
    attemptAt(problems, shot.place("plate.colorspace"), [&] {
        const image::SpaceChoice choice =
            image::choosePlateSpace(colours, info, shot.plate.colorspace.value_or(""));
        plan.plateSpace = choice.name;
        plan.plateSpaceReason = choice.reason;
        if (!choice.warning.empty()) problems.warning(choice.warning, shot.place("plate.path"));
        plan.outputSpace =
            shot.output.colorspace ? colours.resolve(*shot.output.colorspace) : plan.plateSpace;
    });
    const bool narrowed = shot.output.pixelType == shot::PixelType::Half &&
                          image::exrTypeFor(info.type) != image::PixelType::Half;
    if (narrowed && !shot.output.lossy)
        problems.error(ExitCode::Usage,
                       "half cannot hold this plate's pixels bit for bit; use pixel_type: plate, "
                       "or say lossy: true",
                       shot.place("output.pixel_type"));
}

void planRegion(RenderPlan& plan, Problems& problems) {
    const int first = plan.firstGenerated();
    double coverage = 0;
    for (size_t i = first; i < plan.frames.size(); ++i) {
        attempt(problems, [&] {
            const Matte matte = readJobMatte(plan, plan.frames[i]);
            plan.matteBounds = unite(plan.matteBounds, matte.bounds());
            coverage += matte.coverage();
        });
    }
    if (problems.hasErrors()) return;
    if (static_cast<size_t>(first) < plan.frames.size())
        plan.matteCoverage = coverage / static_cast<double>(plan.frames.size() - first);
    clip::RegionInput input;
    input.matte = plan.matteBounds;
    input.data = plan.plateData;
    input.pixelAspect = plan.pixelAspect;
    input.workingWidth = plan.model.workingWidth;
    input.workingHeight = plan.model.workingHeight;
    input.sizeMultiple = plan.model.sizeMultiple;
    const shot::Region& region = plan.shot.region;
    input.request.kind = region.kind == shot::RegionKind::Auto ? clip::RegionRequest::Kind::Auto
                         : region.kind == shot::RegionKind::Full
                             ? clip::RegionRequest::Kind::Full
                             : clip::RegionRequest::Kind::Explicit;
    input.request.window = region.box;
    attemptAt(problems, plan.shot.place("region"), [&] { plan.region = clip::planRegion(input); });
    if (!plan.region.coversMatte)
        problems.warning("the region does not hold the whole matte: outside it the plate stays",
                         plan.shot.place("region"));
}

void planSampler(RenderPlan& plan) {
    const shot::Sampler& asked = plan.shot.sampler;
    const model::SamplerDefaults& own = plan.model.sampler;
    plan.sampler = {asked.scheduler.value_or(own.scheduler), asked.steps.value_or(own.steps),
                    asked.guidance.value_or(own.guidance), asked.shift.value_or(own.shift),
                    asked.seed};
    plan.fillPlate = plan.shot.matteFill == shot::MatteFill::Auto
                         ? plan.model.matteFill == "plate"
                         : plan.shot.matteFill == shot::MatteFill::Plate;
}

void planLatents(RenderPlan& plan) {
    const model::Description& model = plan.model;
    const int scale = model.temporalScale;
    plan.clipFrames = clip::paddedFrames(static_cast<int>(plan.frames.size()), scale);
    plan.latentFrames = clip::latentFrames(plan.clipFrames, scale);
    plan.latentHeight = plan.region.height / model.spatialScale;
    plan.latentWidth = plan.region.width / model.spatialScale;
    const int length =
        clip::latentFrames(plan.shot.windows.length.value_or(model.windowLength), scale);
    const int overlap =
        clip::latentFrames(plan.shot.windows.overlap.value_or(model.windowOverlap), scale);
    plan.windows = clip::planWindows(plan.latentFrames, std::max(1, length), overlap);
    const int windowFrames = (plan.windows.front().length - 1) * scale + 1;
    const int references = static_cast<int>(plan.shot.references.size());
    const int bytes = plan.dtype == "float32" ? 4 : 2;
    plan.cost = model::estimate(model, windowFrames, plan.region.height, plan.region.width,
                                references, bytes);
    const double passes = plan.sampler.guidance > 1 ? 2 : 1;
    const double share = static_cast<double>(plan.clipFrames) / windowFrames;
    plan.flops = plan.cost.forwardFlops * passes * plan.sampler.steps *
                     static_cast<double>(plan.windows.size()) +
                 (plan.cost.encodeFlops + plan.cost.decodeFlops) * share +
                 plan.cost.textFlops * passes;
    plan.peakBytes = plan.cost.peakBytes;
    plan.flopsPerSecond = matmulRate(plan.device, plan.dtype);
    plan.seconds = plan.flops / plan.flopsPerSecond;
}

/// What the shot file may say and this version does not render yet; refused, never ignored.
void refuseUnsupported(const shot::Shot& shot, Problems& problems) {
    for (size_t i = 0; i < shot.guides.size(); ++i)
        problems.error(ExitCode::Usage, "guides are not rendered by this version; take them out",
                       shot.place(cat("guides.", i)));
    for (size_t i = 0; i < shot.model.loras.size(); ++i)
        problems.error(ExitCode::Model, "LoRAs are not applied by this version; take them out",
                       shot.place(cat("model.loras.", i)));
}

}  // namespace

int RenderPlan::firstGenerated() const {
    const auto first = std::find_if(frames.begin(), frames.end(),
                                    [](const FrameJob& job) { return job.generated; });
    return static_cast<int>(first - frames.begin());
}

RenderPlan makePlan(const shot::Shot& shot, const PlanOptions& options, Problems& problems) {
    RenderPlan plan;
    plan.shot = shot;
    plan.requestedFrames = options.frames;
    refuseUnsupported(shot, problems);
    attemptAt(problems, {"--frames", 0, 0}, [&] { planFiles(plan, options, problems); });
    const bool haveModel = attemptAt(problems, shot.place("model.path"), [&] {
        plan.model = model::describeModel(model::findModel(shot.model.path, shot.folder));
    });
    attempt(problems, [&] {
        const image::ColorConfig colours = image::ColorConfig::load();
        if (haveModel) plan.modelSpace = colours.resolve(plan.model.encodingSpace);
        planPicture(plan, colours, problems);
    });
    attemptAt(problems, {"--device", 0, 0}, [&] { plan.device = chooseDevice(options.device); });
    plan.dtype = chooseDtype(shot::text(shot.model.dtype), plan.device);
    if (problems.hasErrors()) return plan;
    planSampler(plan);
    planRegion(plan, problems);
    if (!problems.hasErrors() && !plan.region.crop.empty()) planLatents(plan);
    return plan;
}

}  // namespace derrumbe::render
