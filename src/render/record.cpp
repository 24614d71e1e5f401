#include "render/record.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <set>

#include "image/library_versions.h"
#include "model/weights/lora.h"
#include "provenance/digest.h"
#include "render/disclosure.h"
#include "render/processor.h"
#include "support/frame_range.h"
#include "support/interrupt.h"
#include "support/strings.h"
#include "support/version.h"
#include "text/library_versions.h"

namespace derrumbe::render {

namespace fs = std::filesystem;

namespace {

std::string relativeTo(const fs::path& folder, const fs::path& file) {
    const fs::path absolute = fs::absolute(file).lexically_normal();
    const fs::path relative = absolute.lexically_relative(fs::absolute(folder).lexically_normal());
    return relative.empty() || *relative.begin() == ".." ? absolute.generic_string()
                                                         : relative.generic_string();
}

provenance::Builder builder() {
    provenance::Builder builder{DERRUMBE_VERSION,
                                DERRUMBE_GIT_COMMIT,
                                DERRUMBE_COMPILER,
                                {{"libtorch", DERRUMBE_TORCH_VERSION}}};
    for (const auto& versions :
         {image::libraryVersions(), text::libraryVersions(), provenance::libraryVersions()})
        builder.libraries.insert(builder.libraries.end(), versions.begin(), versions.end());
    return builder;
}

provenance::ModelInfo modelInfo(const RenderPlan& plan,
                                const std::vector<provenance::Dependency>& inputs) {
    const model::Description& model = plan.model;
    provenance::ModelInfo info{model.name,
                               model.version,
                               model.family,
                               model.license,
                               model.trainingStatement,
                               model.trainingRights,
                               {}};
    for (const model::LoraFile& lora : plan.loras)
        for (const provenance::Dependency& input : inputs)
            if (input.role == "lora" && input.path == lora.path)
                info.loras.push_back(
                    {lora.path.filename().string(), input.sha256, input.license, lora.strength});
    return info;
}

}  // namespace

std::vector<provenance::Dependency> inputFiles(const RenderPlan& plan,
                                               const std::string& ocioConfig) {
    std::vector<provenance::Dependency> inputs;
    std::set<std::string> seen;
    const auto add = [&](const std::string& path, const std::string& role,
                         const std::string& license = {}, const std::string& part = {}) {
        if (path.empty() || !seen.insert(path).second) return;
        provenance::Dependency input;
        input.path = path;
        input.role = role;
        input.license = license;
        input.part = part;
        inputs.push_back(std::move(input));
    };
    for (const FrameJob& job : plan.frames) {
        add(job.plate, "plate");
        for (const std::string& matte : job.mattes) add(matte, "matte");
        for (const std::string& holdout : job.holdouts) add(holdout, "holdout");
        for (const std::string& guide : job.guides) add(guide, "guide");
        for (const auto& mattes : job.beatMattes)
            for (const std::string& matte : mattes) add(matte, "matte");
    }
    for (const shot::Keyframe& keyframe : plan.shot.keyframes)
        add(keyframe.path.string(), "keyframe");
    for (const shot::FilePath& reference : plan.shot.references)
        add(reference.string(), "reference");
    std::error_code unknown;
    if (fs::is_regular_file(ocioConfig, unknown)) add(ocioConfig, "ocio");
    for (const auto& file : plan.model.files)
        add(file.path, file.role, plan.model.license, file.part);
    for (const model::LoraFile& lora : plan.loras)
        add(lora.path.string(), "lora", model::loraLicense(lora.path));
    return inputs;
}

std::vector<provenance::Dependency> hashInputs(const RenderPlan& plan,
                                               const std::string& ocioConfig) {
    std::vector<provenance::Dependency> inputs = inputFiles(plan, ocioConfig);
    for (provenance::Dependency& input : inputs) {
        const std::string& role = input.role;
        const ExitCode code =
            role == "weights" || role == "tokenizer" || role == "config" || role == "lora"
                ? ExitCode::Model
                : ExitCode::Input;
        input.sha256 = provenance::sha256File(input.path, code, [&](std::uint64_t bytes) {
            throwIfInterrupted();
            input.bytes = bytes;
        });
    }
    return inputs;
}

std::string contentHash(const RenderPlan& plan, const std::vector<provenance::Dependency>& inputs) {
    provenance::Sha256 hash;
    const auto field = [&](const std::string& text) { hash.update(text).update("\n"); };
    field(shot::contentJson(resolvedShot(plan)));
    field(cat(plan.sampler.scheduler, " ", plan.sampler.steps, " ", plan.sampler.guidance, " ",
              plan.sampler.shift, " ", plan.sampler.seed, " ", plan.fillPlate, " ", plan.dtype, " ",
              processorKind(plan.device)));
    field(cat(plan.sampler.boundary, " ", plan.sampler.guidance2));
    field(cat(plan.plateSpace, "|", plan.modelSpace, "|", plan.outputSpace, "|",
              plan.model.encoding));
    if (const model::MemoryWays& ways = plan.fitting.ways; !ways.exact())
        field(cat("tiles ", ways.encodeTile, " ", ways.decodeTile));
    // Smaller matrices are summed in another order.
    if (plan.processes > 1) field(cat("processes ", plan.processes));
    for (const Box& place : plan.region.path)
        field(cat(std::llround(place.x * 64), " ", std::llround(place.y * 64)));
    for (const clip::TimeWindow& window : plan.windows)
        field(cat(window.first, "+", window.length));
    if (plan.second) {
        field(cat("refine ", plan.second->region.width, "x", plan.second->region.height, " ",
                  plan.second->sampler.steps));
        for (const clip::Tile& tile : plan.second->tiles)
            field(cat(tile.y, "+", tile.height, " ", tile.x, "+", tile.width));
    }
    for (const provenance::Dependency& input : inputs) field(input.sha256 + " " + input.role);
    field(DERRUMBE_VERSION " " DERRUMBE_GIT_COMMIT " " DERRUMBE_TORCH_VERSION
                           " " DERRUMBE_COMPILER);
    return hash.hex();
}

double StageClock::now() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

void StageClock::begin(const std::string& stage) {
    begins_.emplace_back(stage, now());
}

std::vector<std::pair<std::string, double>> StageClock::stages() const {
    std::vector<std::pair<std::string, double>> stages;
    for (size_t i = 0; i < begins_.size(); ++i)
        stages.emplace_back(
            begins_[i].first,
            (i + 1 < begins_.size() ? begins_[i + 1].second : now()) - begins_[i].second);
    return stages;
}

double StageClock::total() const {
    return begins_.empty() ? 0 : now() - begins_.front().second;
}

bool Record::has(const std::string& file) const {
    return std::any_of(frames.begin(), frames.end(),
                       [&](const Delivered& frame) { return frame.file == file; });
}

bool Record::addRuns(const provenance::Statement& former) {
    const size_t before = earlierRuns.size();
    for (provenance::EarlierRun& run : provenance::runsOf(former)) {
        const auto same = [&](const provenance::EarlierRun& known) {
            return known.invocationId == run.invocationId;
        };
        if (run.invocationId != invocationId &&
            std::none_of(earlierRuns.begin(), earlierRuns.end(), same))
            earlierRuns.push_back(std::move(run));
    }
    return earlierRuns.size() > before;
}

provenance::Statement Record::statement(const RenderPlan& plan, provenance::Outcome outcome,
                                        const std::string& failure) const {
    const shot::Shot& shot = plan.shot;
    const fs::path folder = shot.provenance.path.path.parent_path();
    provenance::Statement statement;
    for (const Delivered& frame : frames) {
        statement.subjects.push_back({relativeTo(folder, frame.file), frame.sha256,
                                      frame.pixelSha256, frame.generatedShare, frame.frame});
    }
    statement.dependencies = inputs;
    for (provenance::Dependency& input : statement.dependencies)
        input.path = relativeTo(folder, input.path);
    statement.shotJson = shot::resolvedJson(resolvedShot(plan));
    if (!shot.file.empty()) statement.shotFile = relativeTo(folder, shot.file);
    statement.overrides = shot.overrides;
    statement.wedge = plan.wedge;
    statement.requestedFrames = requestedFrames;
    statement.device = plan.device;
    statement.threads = at::get_num_threads();
    statement.maxMemory = plan.fitting.limit;
    statement.processes = plan.processes;
    statement.planJson = planJson(plan);
    statement.contentSha256 = contentSha256;
    statement.builder = builder();
    statement.invocationId = invocationId;
    statement.startedOn = startedOn;
    statement.finishedOn = utcNow();
    statement.disclosure = disclosure(plan, frames);
    statement.model = modelInfo(plan, inputs);
    statement.deliverable = shot::text(shot.provenance.deliverable);
    statement.usageJson = shot.provenance.usage;
    for (const provenance::Policy& policy : plan.policies)
        statement.policies.push_back(
            {policy.name, policy.guidance, relativeTo(folder, policy.file), policy.sha256});
    statement.machine = provenance::describeMachine();
    statement.machine.devices = accelerators(plan.device);
    statement.machine.processes = processes;
    statement.machine.several = severalMachines;
    statement.cost.stages = clock.stages();
    statement.cost.wallSeconds = clock.total();
    const provenance::ProcessUse use = provenance::processUse();
    statement.cost.cpuSeconds = use.cpuSeconds - cpuSecondsBefore;
    statement.cost.peakBytes = use.peakBytes;
    statement.cost.earlierRuns = earlierRuns;
    statement.events = events;
    for (const Delivered& frame : frames)
        statement.events.insert(statement.events.end(), frame.events.begin(), frame.events.end());
    statement.outcome = outcome;
    statement.failure = failure;
    return statement;
}

}  // namespace derrumbe::render
