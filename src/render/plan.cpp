#include "render/plan.h"

#include <algorithm>

#include "clip/encoding.h"
#include "image/colour.h"
#include "model/layers/byte_product.h"
#include "model/layers/causal_conv3d.h"
#include "model/video_model.h"
#include "render/inputs.h"
#include "render/machine_speed.h"
#include "render/plan_files.h"
#include "render/plan_inputs.h"
#include "render/plan_problems.h"
#include "render/plan_prompts.h"
#include "render/plan_second.h"
#include "render/plan_tokens.h"
#include "render/policies.h"
#include "render/stages.h"
#include "support/in_parallel.h"
#include "support/interrupt.h"
#include "support/strings.h"
#include "text/tokenizer.h"

namespace derrumbe::render {

namespace {

void planPicture(RenderPlan& plan, const image::PlateProbe& first,
                 const image::ColorConfig& colours, Problems& problems) {
    const shot::Shot& shot = plan.shot;
    plan.fps = shot.fps ? *shot.fps : shot::Rate{};
    if (!shot.fps && first.framesPerSecond)
        plan.fps = {first.framesPerSecond->numerator,
                    static_cast<int>(first.framesPerSecond->denominator)};
    for (const std::string& note : first.notes) problems.warning(note, {first.file, 0, 0});
    attemptAt(problems, shot.place("plate.colorspace"), [&] {
        const image::SpaceChoice choice =
            image::choosePlateSpace(colours, first, shot.plate.colorspace.value_or(""));
        plan.plateSpace = choice.name;
        plan.plateSpaceReason = choice.reason;
        if (!choice.warning.empty()) problems.warning(choice.warning, shot.place("plate.path"));
    });
    attemptAt(problems, shot.place("output.colorspace"), [&] {
        plan.outputSpace =
            shot.output.colorspace ? colours.resolve(*shot.output.colorspace) : plan.plateSpace;
    });
}

/// Everything that a shot reads, by its headers.
void planInputs(RenderPlan& plan, bool haveModel, Problems& problems) {
    const shot::Shot& shot = plan.shot;
    const auto first = checkPlates(plan, problems);
    if (first) checkDelivery(plan, *first, problems);
    checkOtherPictures(plan, problems);
    std::string config;
    attemptAt(problems, {}, [&] {
        const image::ColorConfig colours = image::ColorConfig::load();
        config = colours.path();
        if (first) planPicture(plan, *first, colours, problems);
        if (haveModel) plan.modelSpace = colours.resolve(plan.model.encodingSpace);
    });
    refuseOverwrites(plan, config, problems);
    if (!haveModel) return;
    attemptAt(problems, shot.place("model.path"),
              [&] { clip::Encoding::named(plan.model.encoding); });
    // Checks every tensor, those of LoRAs too, and reads none.
    model::LoadOptions load;
    load.loras = plan.loras;
    attemptAt(problems, shot.place("model.path"),
              [&] { model::loadVideoModel(plan.model.folder, load); });
    attemptAt(problems, shot.place("model.path"), [&] {
        text::Tokenizer::parse(model::vocabulary(plan.model), plan.model.tokenizerFile);
    });
}

/// Memory to read, change and write one frame at the plate's size, where it is highest.
double plateBytes(const RenderPlan& plan) {
    const double pixels = static_cast<double>(plan.plateData.width) * plan.plateData.height;
    const double channels = static_cast<double>(plan.plateChannels.size());
    const shot::Output& output = plan.shot.output;
    const double layers = (output.generatedLayer ? 3 : 0) + (output.matteLayer ? 1 : 0);
    // As it is read, its matte, and the picture that comes into it.
    const double held = 4 * channels + 4 + 12;
    // The plate's light and code, the enlarged picture and reconstruction, and the weight; where
    // what moves was in the plate, its low-pass there, the holdout, and the weight of both.
    const double stitching = plan.carriesDetail() ? 84 : plan.keepsDetail() ? 40 : 12;
    // As it is stored, the file's bytes or the reader's, and the frame as it is read again.
    const double stored = 4 * channels + 2 * layers;
    const double writing = 2 * stored + 4 * (channels + layers);
    return pixels * (held + std::max(stitching, writing));
}

/// How many frames are worked on side by side: one a thread, as long as all together need no more
/// than 2 GiB.
int framesAtOnce(const RenderPlan& plan, int threads) {
    constexpr double most = 2.0 * (1 << 30);
    const double fit = most / std::max(1.0, plateBytes(plan));
    return std::clamp(static_cast<int>(fit), 1, threads);
}

clip::RegionRequest::Kind requestOf(shot::RegionKind kind) {
    using Kind = clip::RegionRequest::Kind;
    switch (kind) {
        case shot::RegionKind::Auto:
            return Kind::Auto;
        case shot::RegionKind::Follow:
            return Kind::Follow;
        case shot::RegionKind::Full:
            return Kind::Full;
        case shot::RegionKind::Box:
            break;
    }
    return Kind::Explicit;
}

/// Each frame's matte in the crop where it lies then, united.
CropPart matteInCrop(const clip::CropPlan& region, const std::vector<Window>& mattes) {
    CropPart part{1, 1, 0, 0};
    for (size_t i = 0; i < mattes.size(); ++i) {
        const Window& matte = mattes[i];
        if (matte.empty()) continue;
        const Box crop = region.at(static_cast<int>(i));
        part.left = std::min(part.left, (matte.x - crop.x) / crop.width);
        part.right = std::max(part.right, (matte.right() - crop.x) / crop.width);
        part.top = std::min(part.top, (matte.y - crop.y) / crop.height);
        part.bottom = std::max(part.bottom, (matte.bottom() - crop.y) / crop.height);
    }
    for (double CropPart::*side :
         {&CropPart::left, &CropPart::top, &CropPart::right, &CropPart::bottom})
        part.*side = std::clamp(part.*side, 0.0, 1.0);
    return part;
}

void planRegion(RenderPlan& plan, Problems& problems) {
    const auto first = static_cast<size_t>(plan.firstGenerated());
    if (first == plan.frames.size()) return;  // the shot's own check has said so
    struct Found {
        Window bounds;
        bool changes = false;
        double coverage = 0;
        Problems problems;
    };
    std::vector<Found> found(plan.frames.size() - first);
    inParallel(static_cast<int>(found.size()), plan.framesAtOnce, [&](int i) {
        throwIfInterrupted();
        attemptAt(found[i].problems, plan.shot.place("matte"), [&] {
            const FrameJob& job = plan.frames[first + i];
            Matte matte = readModelMatte(plan, job);
            found[i].bounds = matte.bounds();
            compositeMatte(plan, job, matte);
            found[i].changes = !matte.bounds().empty();
            found[i].coverage = matte.coverage();
        });
    });
    double coverage = 0;
    bool changes = false;
    std::vector<Window> mattes(first);
    for (const Found& frame : found) {
        problems.add(frame.problems.list());
        mattes.push_back(frame.bounds);
        plan.matteBounds = unite(plan.matteBounds, frame.bounds);
        changes = changes || frame.changes;
        coverage += frame.coverage;
    }
    if (problems.hasErrors()) return;
    if (!changes) {
        plan.matteBounds = {};
        problems.warning("the matte is empty in every frame that could change: nothing will happen",
                         plan.shot.place("matte"));
        return;
    }
    plan.matteCoverage = coverage / static_cast<double>(plan.frames.size() - first);
    clip::RegionInput input;
    input.matte = plan.matteBounds;
    input.mattes = std::move(mattes);
    input.data = plan.plateData;
    input.pixelAspect = plan.pixelAspect;
    input.workingWidth = plan.model.workingWidth;
    input.workingHeight = plan.model.workingHeight;
    input.sizeMultiple = plan.model.sizeMultiple;
    const shot::Region& region = plan.shot.region;
    input.request.kind = requestOf(region.kind);
    input.request.window = region.box;
    attemptAt(problems, plan.shot.place("region"), [&] {
        plan.region = clip::planRegion(input);
        plan.matteInCrop = matteInCrop(plan.region, input.mattes);
    });
    if (region.kind == shot::RegionKind::Follow && plan.region.path.empty())
        problems.warning(
            "region: follow has nothing to follow (the matte does not move, or it needs the whole "
            "plate): the crop stands still, as with auto",
            plan.shot.place("region"));
    if (!plan.region.coversMatte)
        problems.warning("the region does not hold the whole matte: outside it the plate stays",
                         plan.shot.place("region"));
}

void planSampler(RenderPlan& plan, Problems& problems) {
    const shot::Sampler& asked = plan.shot.sampler;
    const model::SamplerDefaults& own = plan.model.sampler;
    plan.sampler = {asked.scheduler.value_or(own.scheduler), asked.steps.value_or(own.steps),
                    asked.guidance.value_or(own.guidance), asked.shift.value_or(own.shift),
                    asked.seed};
    if (plan.model.boundary > 0) {
        plan.sampler.boundary = plan.model.boundary;
        plan.sampler.guidance2 =
            asked.guidance2.value_or(asked.guidance.value_or(own.guidance2.value_or(own.guidance)));
    } else if (asked.guidance2) {
        problems.error(
            ExitCode::Usage,
            "guidance_2 is for the second of two experts; this model has one transformer",
            plan.shot.place("sampler.guidance_2"));
    }
    plan.sampler.cache = asked.cache;
    plan.sampler.sparse = asked.sparse;
    plan.fillPlate = plan.shot.matteFill == shot::MatteFill::Auto
                         ? plan.model.matteFill == "plate"
                         : plan.shot.matteFill == shot::MatteFill::Plate;
}

/// Evaluations of a window at all steps: at each, one for every prompt that holds in it, and one
/// more where the step is guided.
double evaluations(const RenderPlan& pass, const clip::TimeWindow& window) {
    const auto steps = samplerOf(pass.sampler);
    double count = 0;
    for (const double timestep : steps->timesteps()) count += pass.sampler.guidanceAt(timestep) > 1;
    for (const PromptPlan& prompt : pass.prompts)
        count += prompt.holdsIn(window) ? pass.sampler.steps : 0;
    return count;
}

/// The transformer's work at all steps, in all windows and all tiles of them.
double denoiseFlops(const RenderPlan& pass) {
    double flops = 0;
    for (size_t i = 0; i < pass.windows.size(); ++i) {
        double once = 0;
        if (pass.tiles.empty()) once = model::forwardFlops(pass.model, pass.tokens(i));
        for (const clip::Tile& tile : pass.tiles)
            once += model::forwardFlops(pass.model, pass.tokens(i, tile));
        flops += evaluations(pass, pass.windows[i]) * once;
    }
    return flops;
}

/// How VACE's hints are scaled in each window: by the greatest strength above 1 that a guide has in
/// one of its frames.
std::vector<double> planHints(const RenderPlan& plan) {
    std::vector<double> scales(plan.windows.size(), 1);
    const int scale = plan.model.temporalScale;
    for (const FrameJob& job : plan.frames) {
        // The latent frame that stands for the job's; of the padded clip the last job's is the
        // last.
        const int latent = (job.index + scale - 1) / scale;
        for (size_t g = 0; g < job.guides.size(); ++g) {
            if (job.guides[g].empty()) continue;
            const double strength = plan.shot.guides[g].strength.at(job.frame);
            for (size_t w = 0; w < scales.size(); ++w)
                if (latent >= plan.windows[w].first && latent < plan.windows[w].end())
                    scales[w] = std::max(scales[w], strength);
        }
    }
    return scales;
}

/// Windows over the clip's latent frames.
std::vector<clip::TimeWindow> planWindows(const RenderPlan& plan, Problems& problems) {
    const shot::Windows& asked = plan.shot.windows;
    const int scale = plan.model.temporalScale;
    const int frames = asked.length.value_or(plan.model.windowLength);
    if (asked.overlap && *asked.overlap >= frames) {
        problems.error(ExitCode::Usage,
                       cat("the model's windows of ", frames, " frames cannot overlap by ",
                           *asked.overlap, "; say windows.length too, or less overlap"),
                       plan.shot.place("windows.overlap"));
        return {};
    }
    const int length = std::max(1, clip::latentFrames(frames, scale));
    // The model's own overlap belongs to its own length: of shorter windows it is at most half.
    const int overlap =
        asked.overlap ? clip::latentFrames(*asked.overlap, scale)
                      : std::min(clip::latentFrames(plan.model.windowOverlap, scale), length / 2);
    return clip::planWindows(plan.latentFrames, length, overlap);
}

/// Pixels of a pass' clip.
double samplesOf(const RenderPlan& pass) {
    return static_cast<double>(pass.region.width) * pass.region.height * pass.clipFrames;
}

/// What the plan's memory depends on beside its model.
MemoryNeed memoryNeed(const RenderPlan& plan, int windowFrames) {
    const double samples = samplesOf(plan.last());
    MemoryNeed need;
    need.windowFrames = windowFrames;
    if (!plan.kept.empty())
        for (size_t i = 0; i < plan.windows.size(); ++i)
            need.keptTokens = std::max({need.keptTokens, plan.tokens(i), std::int64_t{1}});
    need.dtypeBytes = plan.dtype == "float32" ? 4 : 2;
    // The soft matte; the clip that comes back from the VAE, beside the generated one, with its
    // weights.
    need.keptBytes = 4 * (plan.keepsDetail() ? 5 : 1) * samples;
    if (plan.showsGuides()) need.keptBytes += 4 * 3 * samples;  // the clip that the guides are in
    // What the first pass saw and made, beside the second.
    if (plan.second) need.keptBytes += 4 * 14 * samplesOf(plan);
    // While frames are written: the program (its model is gone by then), the clips that the model
    // made, and the frames, which do not all need the most at the same moment.
    constexpr double program = 0.235e9, others = 0.65;
    const double clips = samples * 4 * (plan.carriesDetail() ? 11 : plan.keepsDetail() ? 10 : 6);
    need.deliveryBytes = program + clips + plateBytes(plan);
    need.frameBytes = others * plateBytes(plan);
    return need;
}

/// What the clip takes in a pass.
Work workOf(const RenderPlan& pass) {
    Work work;
    work.encode = pass.cost.encodeFlops;
    work.denoise = denoiseFlops(pass);
    work.decode = pass.cost.decodeFlops;
    // The plate goes through the VAE once more: for its detail, for the latents that stand where
    // none are computed, or once for both.
    const double encodePlate = pass.model.vaeCost.encodeFlops * samplesOf(pass);
    const bool early = !pass.kept.empty() && !pass.model.heldByNoise;
    if (early) work.encode += encodePlate;
    if (pass.keepsDetail()) work.detail = pass.cost.decodeFlops + (early ? 0 : encodePlate);
    return work;
}

void planLatents(RenderPlan& plan, const PlanOptions& options, Problems& problems) {
    const model::Description& model = plan.model;
    const int scale = model.temporalScale;
    plan.clipFrames = clip::paddedFrames(static_cast<int>(plan.frames.size()), scale);
    plan.latentFrames = clip::latentFrames(plan.clipFrames, scale);
    plan.latentHeight = plan.region.height / model.spatialScale;
    plan.latentWidth = plan.region.width / model.spatialScale;
    plan.windows = planWindows(plan, problems);
    if (plan.windows.empty()) return;
    planPrompts(plan, problems);
    planTokens(plan, problems);
    plan.hintScales = planHints(plan);
    model::MemoryWays& ways = plan.fitting.ways;
    ways.products = static_cast<model::Rounding>(plan.shot.model.products);
    ways.rounding = ways.products != model::Rounding::None
                        ? ways.products
                        : static_cast<model::Rounding>(plan.shot.model.weights);
    ways.vaeBfloat16 = plan.shot.model.vaeDtype == shot::VaeDType::BFloat16;
    const int windowFrames = (plan.windows.front().length - 1) * scale + 1;
    plan.second = planSecondPass(plan, problems);
    fitMemory(plan, memoryNeed(plan, windowFrames), options.maxMemory, problems);
    const double texts = static_cast<double>(plan.prompts.size()) + (plan.sampler.guided() ? 1 : 0);
    plan.work = workOf(plan);
    plan.work.encode += plan.cost.textFlops * texts;
    if (!plan.second) return;
    plan.second->work = workOf(*plan.second);
    // The first pass' picture goes into latents, too.
    plan.second->work.encode += model.vaeCost.encodeFlops * samplesOf(*plan.second);
}

/// What the shot says and its model cannot do is refused; what it does otherwise is a warning.
void checkCapabilities(const RenderPlan& plan, Problems& problems) {
    const shot::Shot& shot = plan.shot;
    const auto refuse = [&](const char* key) {
        problems.error(ExitCode::Usage,
                       cat(key, " need VACE layers, which this model does not have; take them out"),
                       shot.place(cat(key, ".0")));
    };
    if (!plan.model.takesReferences && !shot.references.empty()) refuse("references");
    if (!plan.model.takesKeyframes && !shot.keyframes.empty()) refuse("keyframes");
    if (plan.model.heldByNoise && !shot.guides.empty()) refuse("guides");
    if (!plan.model.loss.empty()) problems.warning(plan.model.loss, shot.place("model.path"));
}

}  // namespace

int RenderPlan::firstGenerated() const {
    const auto first = std::find_if(frames.begin(), frames.end(),
                                    [](const FrameJob& job) { return job.generated; });
    return static_cast<int>(first - frames.begin());
}

std::int64_t RenderPlan::allTokens(size_t window) const {
    const std::int64_t place =
        std::int64_t{latentHeight / model.patch[1]} * (latentWidth / model.patch[2]);
    const auto references = static_cast<std::int64_t>(shot.references.size());
    return (references + windows[window].length) / model.patch[0] * place;
}

std::int64_t RenderPlan::tokens(size_t window, const clip::Tile& tile) const {
    const int height = tile.height / model.patch[1], width = tile.width / model.patch[2],
              top = tile.y / model.patch[1], left = tile.x / model.patch[2],
              rows = latentHeight / model.patch[1], columns = latentWidth / model.patch[2];
    const std::int64_t place = std::int64_t{height} * width,
                       frames = windows[window].length / model.patch[0];
    std::int64_t computed = place * frames;
    if (!kept.empty()) {
        computed = 0;
        for (std::int64_t t = 0; t < frames; ++t)
            for (int y = top; y < top + height; ++y)
                for (int x = left; x < left + width; ++x)
                    computed += kept[window][static_cast<size_t>((t * rows + y) * columns + x)];
    }
    const auto references = static_cast<std::int64_t>(shot.references.size());
    return computed == 0 ? 0 : computed + references / model.patch[0] * place;
}

std::int64_t RenderPlan::tokens(size_t window) const {
    if (kept.empty()) return allTokens(window);
    const auto dropped = std::count(kept[window].begin(), kept[window].end(), 0);
    const bool any = dropped < static_cast<std::ptrdiff_t>(kept[window].size());
    return any ? allTokens(window) - dropped : 0;
}

bool RenderPlan::showsGuides() const {
    return std::any_of(frames.begin(), frames.end(), [](const FrameJob& job) {
        return std::any_of(job.guides.begin(), job.guides.end(),
                           [](const std::string& file) { return !file.empty(); });
    });
}

RenderPlan makePlan(const shot::Shot& shot, const PlanOptions& options, Problems& problems) {
    RenderPlan plan;
    plan.shot = shot;
    plan.requestedFrames = options.frames;
    plan.wedge = options.wedge;
    plan.processes = options.processes;
    for (const shot::Lora& lora : shot.model.loras)
        plan.loras.push_back(
            {lora.path.path, lora.strength, static_cast<model::Experts>(lora.experts)});
    planFiles(plan, options, problems);
    const bool haveModel = attemptAt(problems, shot.place("model.path"), [&] {
        plan.model = model::describeModel(model::findModel(shot.model.path, shot.folder));
    });
    if (haveModel) checkCapabilities(plan, problems);
    applyPolicies(plan, options, haveModel, problems);
    planInputs(plan, haveModel, problems);
    const bool haveDevice = attemptAt(problems, {"--device", 0, 0},
                                      [&] { plan.device = chooseDevice(options.device); });
    if (haveDevice && shot.model.products != shot::Products::Auto)
        attemptAt(problems, shot.place("model.products"), [&] {
            model::requireByteProducts(at::Device(plan.device),
                                       static_cast<model::Rounding>(shot.model.products));
        });
    if (haveDevice && shot.model.vaeDtype == shot::VaeDType::BFloat16)
        attemptAt(problems, shot.place("model.vae_dtype"),
                  [&] { model::requireBfloat16Convolutions(at::Device(plan.device)); });
    plan.dtype = chooseDtype(shot::text(shot.model.dtype), plan.device,
                             plan.model.transformerMatrices.bfloat16);
    if (problems.hasErrors()) return plan;
    planSampler(plan, problems);
    plan.framesAtOnce = framesAtOnce(plan, options.threads > 0 ? options.threads : threadsInUse());
    planRegion(plan, problems);
    if (!problems.hasErrors() && !plan.region.crop.empty()) planLatents(plan, options, problems);
    return plan;
}

}  // namespace derrumbe::render
