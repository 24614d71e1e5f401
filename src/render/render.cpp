#include "render/render.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <filesystem>

#include "clip/anchor.h"
#include "model/weights/safetensors.h"
#include "render/inputs.h"
#include "render/record.h"
#include "render/stages.h"
#include "render/state.h"
#include "render/tensor_bridge.h"
#include "support/atomic_file.h"
#include "support/interrupt.h"
#include "support/strings.h"
#include "text/prompt_clean.h"
#include "text/tokenizer.h"

namespace derrumbe::render {

namespace {

/// Everything one render holds; the way of the data is `run`.
struct Run {
    const RenderPlan& plan;
    const RenderOptions& options;
    Log& log;
    Progress& progress;
    Record record;
    RenderResult result;
    image::ColorConfig colours = image::ColorConfig::load();
    std::map<std::string, at::Tensor> dump = {};

    void stage(const std::string& name, double share) {
        throwIfInterrupted();
        record.clock.begin(name);
        progress.begin(name, share);
    }

    model::Tick tick() {
        return [this](double done, double total) {
            throwIfInterrupted();
            progress.update(done, total);
        };
    }

    void keep(const std::string& name, const at::Tensor& tensor) {
        if (!options.dumpTensors.empty() && tensor.defined())
            dump[name] = tensor.to(at::kCPU, at::kFloat).contiguous();
    }

    std::vector<const FrameJob*> framesToRender();
    Conditions encode(model::VideoModel& model, const ModelInputs& inputs);
    at::Tensor sample(model::VideoModel& model, const Conditions& conditions);
    Clip generate();
    void run();
};

std::vector<const FrameJob*> Run::framesToRender() {
    std::vector<const FrameJob*> jobs;
    for (const FrameJob& job : plan.frames) {
        if (!job.deliver) continue;
        if (!options.overwrite && alreadyDelivered(job, record.contentSha256)) {
            record.frames.push_back(describeDelivered(plan, job));
            ++result.kept;
        } else {
            jobs.push_back(&job);
        }
    }
    if (result.kept > 0) {
        record.events.push_back(
            {"kept",
             cat(result.kept, " frames were already delivered by the same shot"),
             {},
             utcNow()});
        log.info(cat(result.kept,
                     " frames are already there and are kept; --overwrite renders them again"));
    }
    return jobs;
}

Conditions Run::encode(model::VideoModel& model, const ModelInputs& inputs) {
    Conditions conditions;
    const text::Tokenizer tokenizer = text::Tokenizer::load(plan.model.folder);
    const auto embed = [&](const std::string& prompt) {
        const std::vector<int64_t> ids =
            tokenizer.encode(text::cleanPrompt(prompt), plan.model.textLength);
        return model.encodePrompt(ids);
    };
    conditions.prompt = embed(plan.shot.prompt);
    if (plan.sampler.guidance > 1) conditions.negativePrompt = embed(plan.shot.negativePrompt);
    model.release(model::VideoModel::Stage::TextEncoder);

    model::ConditioningInput input;
    input.video = tensorFromClip(inputs.plate);
    input.mask = tensorFromMask(inputs.mask);
    input.keepReactive = plan.fillPlate;
    for (const Clip& reference : inputs.references)
        input.references.push_back(tensorFromClip(reference));
    conditions.references = static_cast<int>(input.references.size());
    conditions.conditioning = model.encodeConditioning(input, tick());
    keep("prompt_embeds", conditions.prompt);
    keep("negative_prompt_embeds", conditions.negativePrompt);
    keep("conditioning", conditions.conditioning);
    return conditions;
}

at::Tensor Run::sample(model::VideoModel& model, const Conditions& conditions) {
    const StateStore store(std::filesystem::path(plan.frames.front().output).parent_path(),
                           record.contentSha256);
    const at::Tensor noise = startNoise(plan, conditions.references);
    keep("noise", noise);
    DenoiseState state{noise, {}};
    if (options.resume && options.dumpTensors.empty())
        if (auto saved = store.load(noise, plan.sampler.steps)) {
            state = std::move(*saved);
            record.events.push_back(
                {"resumed",
                 cat("at step ", state.sampler.step, " of ", plan.sampler.steps),
                 {},
                 utcNow()});
            log.info(cat("going on at step ", state.sampler.step, " of ", plan.sampler.steps));
        }
    denoise(plan, model, conditions, state, tick(),
            [&](int, int, const DenoiseState& now) { store.save(now); });
    model.release(model::VideoModel::Stage::Transformer);
    const int references = conditions.references;
    const at::Tensor latents =
        state.latents.narrow(2, references, state.latents.size(2) - references);
    keep("latents", latents);
    return latents;
}

Clip Run::generate() {
    stage("reading plates", 0.03);
    const ModelInputs inputs = loadInputs(plan, colours, tick());
    model::LoadOptions load;
    load.device = at::Device(plan.device);
    load.dtype = plan.dtype;
    const auto model = model::loadVideoModel(plan.model.folder, load);
    stage("encoding", 0.12);
    const Conditions conditions = encode(*model, inputs);
    stage("denoising", 0.65);
    const at::Tensor latents = sample(*model, conditions);
    stage("decoding", 0.15);
    const at::Tensor video = model->decode(latents, tick());
    keep("video", video);
    Clip generated = clipFromTensor(video);
    clip::applyAnchor(generated, clip::fitAnchor(generated, inputs.plate, inputs.mask));
    if (!options.dumpTensors.empty()) {
        const auto sampler =
            model::makeSampler(plan.sampler.scheduler, plan.sampler.steps, plan.sampler.shift);
        dump["timesteps"] = at::tensor(sampler->timesteps()).to(at::kFloat);
        model::writeSafetensors(options.dumpTensors, dump,
                                {{"content_sha256", record.contentSha256}});
    }
    return generated;
}

void Run::run() {
    record.clock.begin("hashing inputs");
    record.ocioConfig = colours.path();
    record.inputs = hashInputs(plan, record.ocioConfig);
    record.contentSha256 = contentHash(plan, record.inputs);
    const std::vector<const FrameJob*> jobs = framesToRender();
    bool generate = false;
    for (const FrameJob* job : jobs) generate = generate || job->generated;
    const Clip generated = generate && !plan.region.crop.empty() ? this->generate() : Clip{};
    stage("writing frames", 0.05);
    for (const FrameJob* job : jobs) {
        throwIfInterrupted();
        record.frames.push_back(deliverFrame(plan, colours, *job, generated, record.contentSha256));
        ++result.rendered;
        progress.update(result.rendered, static_cast<double>(jobs.size()));
    }
    StateStore(std::filesystem::path(plan.frames.front().output).parent_path(),
               record.contentSha256)
        .remove();
    progress.finish();
}

}  // namespace

RenderResult render(const RenderPlan& plan, const RenderOptions& options, Log& log,
                    Progress& progress) {
    const c10::InferenceMode inference;
    Run run{plan, options, log, progress, {}, {}};
    run.record.startedOn = utcNow();
    run.record.invocationId = provenance::newInvocationId();
    run.record.requestedFrames = plan.requestedFrames;
    const std::string logPath = plan.shot.provenance.path.string();
    const auto writeLog = [&](provenance::Outcome outcome, const std::string& failure) {
        std::sort(run.record.frames.begin(), run.record.frames.end(),
                  [](const Delivered& a, const Delivered& b) { return a.frame < b.frame; });
        for (const std::string& warning : log.warnings())
            run.record.events.push_back({"warning", warning, {}, ""});
        writeTextAtomically(
            logPath, provenance::statementJson(run.record.statement(plan, outcome, failure)));
    };
    try {
        run.run();
    } catch (const Error& error) {
        // The log says what was done and what went wrong; the error itself matters more than a log
        // that fails too.
        try {
            writeLog(error.code() == ExitCode::Interrupted ? provenance::Outcome::Interrupted
                                                           : provenance::Outcome::Failed,
                     error.what());
        } catch (const Error& second) {
            log.warning(second.what());
        }
        throw;
    }
    writeLog(provenance::Outcome::Done, "");
    run.result.frames = run.record.frames;
    run.result.log = logPath;
    return run.result;
}

}  // namespace derrumbe::render
