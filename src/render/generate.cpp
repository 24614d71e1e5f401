#include "model/distributed/shared_model.h"
#include "model/weights/safetensors.h"
#include "render/pass.h"
#include "render/refine.h"
#include "render/shared_work.h"
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
    progress.begin(name, share * part);
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
    std::vector<model::TokenIds> ids;
    const auto add = [&](const std::string& prompt) {
        ids.push_back(tokenizer.encode(text::cleanPrompt(prompt), plan.model.textLength));
    };
    for (const PromptPlan& prompt : plan.prompts) add(prompt.text);
    if (plan.sampler.guided()) add(plan.shot.negativePrompt);
    texts.prompts = model.encodePrompts(ids, run.tick());
    if (plan.sampler.guided()) {
        texts.negativePrompt = std::move(texts.prompts.back());
        texts.prompts.pop_back();
    }
    run.keep("prompt_embeds", texts.prompts.front());
    for (size_t i = 1; i < texts.prompts.size(); ++i) {
        run.keep(cat("beat_embeds.", i - 1), texts.prompts[i]);
        run.keep(cat("beat_weights.", i - 1), weightsOf(plan, plan.prompts[i]));
    }
    run.keep("negative_prompt_embeds", texts.negativePrompt);
    return texts;
}

/// Noise to latents, from the saved state where an earlier run of the same content left one.
at::Tensor fromNoise(const Pass& pass, model::VideoModel& model, const Conditions& conditions) {
    const at::Tensor noise = startNoise(pass.plan, conditions.references);
    pass.run.keep("noise", noise);
    DenoiseState state{noise, {}};
    if (auto saved = savedState(pass, noise)) state = std::move(*saved);
    const at::Tensor latents = sample(pass, model, conditions, std::move(state), pass.run.tick());
    pass.run.keep("latents", latents);
    return latents;
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
    const auto timesteps = [](const RenderPlan& pass) {
        return at::tensor(samplerOf(pass.sampler)->timesteps()).to(at::kFloat);
    };
    run.dump["timesteps"] = timesteps(run.plan);
    if (run.plan.second) run.dump["refine.timesteps"] = timesteps(*run.plan.second);
    model::writeSafetensors(run.options.dumpTensors, run.dump,
                            {{"content_sha256", run.record.contentSha256}});
}

/// Prompts and clip, as far as an earlier take has not encoded the same.
Conditions encode(const Pass& pass, model::VideoModel& model, const ModelInputs& inputs,
                  SharedWork& shared, const SharedKeys& keys) {
    Run& run = pass.run;
    Conditions conditions;
    static_cast<PromptEmbeddings&>(conditions) = shared.prompts.get(keys.prompts, [&] {
        run.stage("encoding", 0.04);
        return encodePrompts(run, model);
    });
    conditions.image =
        shared.first.image.get(keys.conditioning, [&] { return encodeImage(pass, model, inputs); });
    run.keep("image_embeds", conditions.image);
    conditions.conditioning = shared.first.conditioning.get(keys.conditioning, [&] {
        run.stage("encoding", 0.08);
        return encodeClip(pass, model, inputs);
    });
    run.keep("conditioning", conditions.conditioning);
    conditions.references = static_cast<int>(inputs.references.size());
    const RenderPlan& plan = run.plan;
    if (plan.model.heldByNoise)
        conditions.plate = conditions.conditioning.narrow(1, 0, plan.model.latentChannels);
    else if (!plan.kept.empty())
        conditions.plate = plateLatents(pass, model, inputs, shared.first, run.tick());
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
    const RenderPlan& plan = run.plan;
    const Pass pass{run, plan};
    const bool detailed = plan.keepsDetail();
    const auto shared = run.options.shared ? run.options.shared : makeSharedWork();
    const SharedKeys keys = sharedKeys(plan);
    if (plan.second) run.part = plan.work.total() / plan.flops();
    const ModelInputs& inputs = shared->first.inputs.get(keys.inputs, [&] {
        run.stage("reading plates", 0.03);
        return loadInputs(plan, run.colours, run.tick());
    });
    tellGrain(run, inputs.grain);
    for (const std::string& way : fittingTexts(plan)) {
        run.event("memory", way);
        run.log.info("to keep within --max-memory: " + way);
    }
    for (const auto& [key, text] : roundingsTold(run.plan)) {
        run.event(key, text);
        run.log.info(cat("model.", key, ": ", text));
    }
    model::VideoModel& model = *shared->model.get(keys.model, [&] {
        const model::LoadOptions load{at::Device(plan.device), plan.dtype, plan.loras,
                                      plan.fitting.ways};
        const auto& folder = plan.model.folder;
        return run.options.crew ? model::shareModel(run.options.crew, folder, load)
                                : model::loadVideoModel(folder, load);
    });
    const Conditions conditions = encode(pass, model, inputs, *shared, keys);
    tellSparse(run);
    run.stage("denoising", 0.65);
    const at::Tensor latents = fromNoise(pass, model, conditions);
    run.stage("decoding", detailed ? 0.08 : 0.15);
    const at::Tensor video = model.decode(latents, run.tick());
    run.keep("video", video);
    Generated generated{anchored(pass, video, inputs), {}, {}, {}, inputs.grain};
    if (detailed) {
        run.stage("plate detail", 0.07);
        const Clip& reconstruction = shared->first.reconstruction.get(
            keys.reconstruction, [&] { return reconstructed(pass, model, inputs, shared->first); });
        findDetail(pass, generated, reconstruction, inputs.mask);
    }
    healSeam(pass, generated, inputs);
    if (plan.second) {
        run.part = 1 - run.part;
        generated = refine(run, *shared, model, {conditions, inputs, generated});
        run.part = 1;
    }
    if (!run.options.dumpTensors.empty()) writeDump(run);
    return generated;
}

}  // namespace derrumbe::render
