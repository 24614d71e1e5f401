#include "render/stages.h"

#include "clip/windows.h"

namespace derrumbe::render {

at::Tensor startNoise(const RenderPlan& plan, int references) {
    return model::counterNoise(plan.sampler.seed, -references, plan.model.latentChannels,
                               plan.latentFrames + references, plan.latentHeight, plan.latentWidth);
}

at::Tensor weightsOf(const RenderPlan& plan, const PromptPlan& prompt) {
    const at::Tensor weights = at::tensor(prompt.weights, at::kFloat);
    return prompt.cells == 1 ? weights : weights.view({-1, plan.latentHeight, plan.latentWidth});
}

namespace {

/// The frames of one window, with the reference frames before them, as every window must see the
/// references.
at::Tensor cut(const at::Tensor& whole, const clip::TimeWindow& window, int references) {
    const at::Tensor part = whole.narrow(2, references + window.first, window.length);
    return references == 0 ? part : at::cat({whole.narrow(2, 0, references), part}, 2);
}

/// A prompt's share at each latent frame of a window, references first: [1, 1, R+T, 1, 1], or with
/// the latents' height and width where it differs by place.
at::Tensor promptShare(const RenderPlan& plan, const PromptPlan& prompt,
                       const clip::TimeWindow& window, int references) {
    at::Tensor share = weightsOf(plan, prompt).narrow(0, window.first, window.length);
    if (share.dim() == 1) share = share.view({-1, 1, 1});
    const at::Tensor mean = share.mean(0, true).expand({references, share.size(1), share.size(2)});
    return at::cat({mean, share}).unsqueeze(0).unsqueeze(0);
}

/// With every prompt that holds in the window, blended, and guided away from the negative one. A
/// prompt that holds alone is not touched.
at::Tensor guidedVelocity(const RenderPlan& plan, model::VideoModel& model,
                          const Conditions& conditions, size_t windowIndex,
                          const at::Tensor& latents, const at::Tensor& conditioning,
                          double timestep) {
    const clip::TimeWindow& window = plan.windows[windowIndex];
    const double hints = plan.hintScales.empty() ? 1 : plan.hintScales[windowIndex];
    const double guidance = plan.sampler.guidanceAt(timestep);
    std::vector<size_t> holding;
    std::vector<at::Tensor> prompts;
    for (size_t i = 0; i < plan.prompts.size(); ++i) {
        if (!plan.prompts[i].holdsIn(window)) continue;
        holding.push_back(i);
        prompts.push_back(conditions.prompts[i]);
    }
    if (guidance > 1) prompts.push_back(conditions.negativePrompt);
    const std::vector<at::Tensor> velocities =
        model.velocity({latents, timestep, at::cat(prompts), conditioning, hints}).split(1);
    at::Tensor cond = velocities.front();
    if (holding.size() > 1) {
        cond = at::zeros_like(latents);
        for (size_t i = 0; i < holding.size(); ++i)
            cond.add_(velocities[i] *
                      promptShare(plan, plan.prompts[holding[i]], window, conditions.references));
    }
    return guidance > 1 ? model::guide(cond, velocities.back(), guidance) : cond;
}

/// Every window's velocity, blended by the windows' weights; the references' by their mean.
at::Tensor blendedVelocity(const RenderPlan& plan, model::VideoModel& model,
                           const Conditions& conditions, const at::Tensor& latents, double timestep,
                           const std::function<void(size_t)>& windowDone) {
    const int references = conditions.references;
    const std::vector<std::vector<float>> weights = clip::blendWeights(plan.windows);
    at::Tensor velocity = at::zeros_like(latents);
    for (size_t i = 0; i < plan.windows.size(); ++i) {
        const clip::TimeWindow& window = plan.windows[i];
        const at::Tensor part =
            guidedVelocity(plan, model, conditions, i, cut(latents, window, references),
                           cut(conditions.conditioning, window, references), timestep);
        const at::Tensor ramp = at::tensor(weights[i], at::kFloat).view({1, 1, -1, 1, 1});
        velocity.narrow(2, references + window.first, window.length)
            .add_(part.narrow(2, references, window.length) * ramp);
        if (references > 0)
            velocity.narrow(2, 0, references)
                .add_(part.narrow(2, 0, references),
                      1.0 / static_cast<double>(plan.windows.size()));
        windowDone(i + 1);
    }
    return velocity;
}

/// Where the transformer is not shown the plate: the velocity that leads from the plate's latents
/// and the starting noise through every x = (1 - sigma) plate + sigma noise, the same at every
/// step. It stands where the mask is 0. The latents there are the plate's, noised anew for every
/// step with the same noise, which is how the model sees them (blending by a latent mask: Avrahami
/// et al. 2023, "Blended Latent Diffusion", section 4.1), and multistep samplers stay consistent,
/// as the plate is what they find predicted at every step.
at::Tensor heldVelocity(const RenderPlan& plan, const at::Tensor& conditioning) {
    return startNoise(plan, 0) - conditioning.narrow(1, 0, plan.model.latentChannels);
}

}  // namespace

void denoise(const RenderPlan& plan, model::VideoModel& model, const Conditions& conditions,
             DenoiseState& state, const model::Tick& tick, const StepDone& done) {
    const auto sampler =
        model::makeSampler(plan.sampler.scheduler, plan.sampler.steps, plan.sampler.shift);
    const model::StepCache cache(plan.sampler.cache, plan.sampler.steps);
    const double windowCount = static_cast<double>(plan.windows.size());
    const double total = plan.sampler.steps * windowCount;
    at::Tensor held, mask;
    if (plan.model.heldByNoise) {
        held = heldVelocity(plan, conditions.conditioning);
        mask = conditions.conditioning.narrow(1, plan.model.latentChannels, 1) > 0;
    }
    while (state.sampler.step < plan.sampler.steps) {
        const int step = state.sampler.step;
        const double timestep = sampler->timesteps()[step];
        const auto windowDone = [&](size_t window) {
            tick(static_cast<double>(step) * windowCount + static_cast<double>(window), total);
        };
        if (step > 0 && plan.sampler.lowNoiseAt(timestep) !=
                            plan.sampler.lowNoiseAt(sampler->timesteps()[step - 1]))
            state.cache = {{}, {}, -1, state.cache.reused};
        at::Tensor velocity;
        if (cache.reuses(state.latents, step, state.cache)) {
            velocity = state.cache.velocity;
            ++state.cache.reused;
            windowDone(plan.windows.size());
        } else {
            velocity =
                blendedVelocity(plan, model, conditions, state.latents, timestep, windowDone);
            cache.evaluated(state.latents, velocity, state.cache);
        }
        if (held.defined()) velocity = at::where(mask, velocity, held);
        state.latents = sampler->step(velocity, state.latents, state.sampler);
        done(state.sampler.step, plan.sampler.steps, state);
    }
}

}  // namespace derrumbe::render
