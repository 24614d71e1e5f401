#include <filesystem>

#include "clip/anchor.h"
#include "clip/plate_detail.h"
#include "model/distributed/shared_model.h"
#include "model/weights/safetensors.h"
#include "render/run.h"
#include "render/shared_work.h"
#include "render/state.h"
#include "render/tensor_bridge.h"
#include "support/interrupt.h"
#include "support/log.h"
#include "support/strings.h"
#include "text/prompt_clean.h"
#include "text/tokenizer.h"

namespace derrumbe::render {

void Run::stage(const std::string& name, double share) {
    throwIfInterrupted();
    record.clock.begin(name);
    progress.begin(name, share);
}

model::Tick Run::tick() {
    return [this](double done, double total) {
        throwIfInterrupted();
        progress.update(done, total);
    };
}

void Run::keep(const std::string& name, const at::Tensor& tensor) {
    if (!options.dumpTensors.empty() && tensor.defined())
        dump[name] = tensor.to(at::kCPU, at::kFloat).contiguous();
}

void Run::event(const std::string& kind, const std::string& message) {
    record.events.push_back({kind, message, {}, utcNow()});
}

namespace {

PromptEmbeddings encodePrompts(Run& run, model::VideoModel& model) {
    const RenderPlan& plan = run.plan;
    PromptEmbeddings texts;
    const text::Tokenizer tokenizer =
        text::Tokenizer::parse(model::vocabulary(plan.model), plan.model.tokenizerFile);
    const auto embed = [&](const std::string& prompt) {
        return model.encodePrompt(
            tokenizer.encode(text::cleanPrompt(prompt), plan.model.textLength));
    };
    for (const PromptPlan& prompt : plan.prompts) texts.prompts.push_back(embed(prompt.text));
    if (plan.sampler.guided()) texts.negativePrompt = embed(plan.shot.negativePrompt);
    model.release(model::VideoModel::Stage::TextEncoder);
    run.keep("prompt_embeds", texts.prompts.front());
    for (size_t i = 1; i < texts.prompts.size(); ++i) {
        run.keep(cat("beat_embeds.", i - 1), texts.prompts[i]);
        run.keep(cat("beat_weights.", i - 1), weightsOf(plan, plan.prompts[i]));
    }
    run.keep("negative_prompt_embeds", texts.negativePrompt);
    return texts;
}

at::Tensor encodeClip(Run& run, model::VideoModel& model, const ModelInputs& inputs) {
    model::ConditioningInput input;
    const bool guided = inputs.guided.frames > 0;
    input.video = tensorFromClip(guided ? inputs.guided : inputs.plate);
    input.mask = tensorFromMask(inputs.mask);
    // What guides do not cover is filled already.
    input.keepReactive = run.plan.fillPlate || guided;
    for (const Clip& reference : inputs.references)
        input.references.push_back(tensorFromClip(reference));
    at::Tensor conditioning = model.encodeConditioning(input, run.tick());
    run.keep("input_video", input.video);
    run.keep("input_mask", input.mask);
    if (!input.references.empty())
        run.keep("input_references", at::cat(input.references, 2).squeeze(0).transpose(0, 1));
    run.keep("conditioning", conditioning);
    return conditioning;
}

/// Noise to latents, from the saved state where an earlier run of the same content left one.
at::Tensor sample(Run& run, model::VideoModel& model, const Conditions& conditions) {
    const RenderPlan& plan = run.plan;
    const StateStore store(std::filesystem::path(plan.frames.front().output).parent_path(),
                           run.record.contentSha256);
    const at::Tensor noise = startNoise(plan, conditions.references);
    run.keep("noise", noise);
    DenoiseState state{noise, {}};
    if (run.options.resume) {
        if (auto saved = store.load(noise, plan.sampler)) {
            state = std::move(*saved);
            const std::string where =
                cat("at step ", state.sampler.step, " of ", plan.sampler.steps);
            run.event("resumed", where);
            run.log.info("going on " + where);
        }
    }
    denoise(plan, model, conditions, state, run.tick(),
            [&](int, int, const DenoiseState& now) { store.save(now); });
    model.release(model::VideoModel::Stage::Transformer);
    if (plan.sampler.cache > 0) {
        const std::string left = cat(state.cache.reused, " of ", plan.sampler.steps,
                                     " steps took the velocity of an earlier one");
        run.event("cache", left);
        run.log.info(left);
    }
    const int references = conditions.references;
    const at::Tensor latents =
        state.latents.narrow(2, references, state.latents.size(2) - references);
    run.keep("latents", latents);
    return latents;
}

/// A video of the model's, its drift in colour undone.
Clip anchored(const at::Tensor& video, const ModelInputs& inputs) {
    Clip clip = clipFromTensor(video);
    clip::applyAnchor(clip, clip::fitAnchor(clip, inputs.plate, inputs.mask));
    return clip;
}

/// Where the plate's detail stays: both clips are anchored, so that a drift is no change.
void findDetail(Generated& generated, Clip reconstruction, const ClipMask& mask) {
    generated.detail = clip::detailWeights(generated.picture, reconstruction, mask);
    generated.reconstruction = std::move(reconstruction);
}

/// What was measured, for people: at a diffuse grey.
void tellGrain(Run& run, const clip::Grain& grain) {
    if (run.plan.shot.grain == shot::Grain::Off) return;
    if (!grain.any()) {
        run.log.info("no grain was found in the plate; none is added");
        return;
    }
    constexpr double grey = 0.18;
    run.log.info(cat("the plate's grain at ", grey, ": standard deviation ", grain.sigma(0, grey),
                     ", ", grain.sigma(1, grey), ", ", grain.sigma(2, grey)));
}

void writeDump(Run& run) {
    const SamplerPlan& sampler = run.plan.sampler;
    run.dump["timesteps"] =
        at::tensor(model::makeSampler(sampler.scheduler, sampler.steps, sampler.shift)->timesteps())
            .to(at::kFloat);
    model::writeSafetensors(run.options.dumpTensors, run.dump,
                            {{"content_sha256", run.record.contentSha256}});
}

/// The latents of the plate itself, as far as neither an earlier take nor another stage has made
/// them.
const at::Tensor& plateLatents(Run& run, model::VideoModel& model, const ModelInputs& inputs,
                               SharedWork& shared, const SharedKeys& keys,
                               const model::Tick& tick) {
    return shared.plate.get(keys.reconstruction, [&] {
        at::Tensor latents = model.encode(tensorFromClip(inputs.plate), tick);
        run.keep("plate_latents", latents);
        return latents;
    });
}

/// What the model leaves of the plate where it changes nothing: its way through the latents and
/// back.
Clip reconstructed(Run& run, model::VideoModel& model, const ModelInputs& inputs,
                   SharedWork& shared, const SharedKeys& keys) {
    // Both halves count the video's frames, so that each is half of the work.
    const auto half = [&](double from) -> model::Tick {
        return [tick = run.tick(), from](double done, double total) {
            tick(from + 0.5 * done / total, 1);
        };
    };
    const at::Tensor latents = plateLatents(run, model, inputs, shared, keys, half(0));
    return anchored(model.decode(latents, half(0.5)), inputs);
}

/// Prompts and clip, as far as an earlier take has not encoded the same.
Conditions encode(Run& run, model::VideoModel& model, const ModelInputs& inputs, SharedWork& shared,
                  const SharedKeys& keys) {
    Conditions conditions;
    static_cast<PromptEmbeddings&>(conditions) = shared.prompts.get(keys.prompts, [&] {
        run.stage("encoding", 0.04);
        return encodePrompts(run, model);
    });
    conditions.conditioning = shared.conditioning.get(keys.conditioning, [&] {
        run.stage("encoding", 0.08);
        return encodeClip(run, model, inputs);
    });
    conditions.references = static_cast<int>(inputs.references.size());
    const RenderPlan& plan = run.plan;
    if (plan.model.heldByNoise)
        conditions.plate = conditions.conditioning.narrow(1, 0, plan.model.latentChannels);
    else if (!plan.kept.empty())
        conditions.plate = plateLatents(run, model, inputs, shared, keys, run.tick());
    return conditions;
}

/// How many tokens are left out, where the shot asks for it.
void tellSparse(Run& run) {
    if (!run.plan.sampler.sparse) return;
    run.event("sparse", sparseText(run.plan));
    run.log.info(sparseText(run.plan));
}

}  // namespace

Generated generate(Run& run) {
    const bool detailed = run.plan.shot.detail == shot::Detail::Plate;
    const auto shared = run.options.shared ? run.options.shared : makeSharedWork();
    const SharedKeys keys = sharedKeys(run.plan);
    const ModelInputs& inputs = shared->inputs.get(keys.inputs, [&] {
        run.stage("reading plates", 0.03);
        return loadInputs(run.plan, run.colours, run.tick());
    });
    tellGrain(run, inputs.grain);
    for (const std::string& way : fittingTexts(run.plan)) {
        run.event("memory", way);
        run.log.info("to keep within --max-memory: " + way);
    }
    if (const std::string rounding = roundingText(run.plan); !rounding.empty()) {
        run.event("weights", rounding);
        run.log.info(rounding);
    }
    model::VideoModel& model = *shared->model.get(keys.model, [&] {
        const model::LoadOptions load{at::Device(run.plan.device), run.plan.dtype, run.plan.loras,
                                      run.plan.fitting.ways};
        const auto& folder = run.plan.model.folder;
        return run.options.crew ? model::shareModel(run.options.crew, folder, load)
                                : model::loadVideoModel(folder, load);
    });
    const Conditions conditions = encode(run, model, inputs, *shared, keys);
    tellSparse(run);
    run.stage("denoising", 0.65);
    const at::Tensor latents = sample(run, model, conditions);
    run.stage("decoding", detailed ? 0.08 : 0.15);
    const at::Tensor video = model.decode(latents, run.tick());
    run.keep("video", video);
    if (!run.options.dumpTensors.empty()) writeDump(run);
    Generated generated{anchored(video, inputs), {}, {}, inputs.grain};
    if (detailed) {
        run.stage("plate detail", 0.07);
        const Clip& reconstruction = shared->reconstruction.get(
            keys.reconstruction, [&] { return reconstructed(run, model, inputs, *shared, keys); });
        findDetail(generated, reconstruction, inputs.mask);
    }
    return generated;
}

}  // namespace derrumbe::render
