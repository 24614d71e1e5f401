#include "render/stages.h"

#include <algorithm>

#include "clip/windows.h"

namespace derrumbe::render {

std::unique_ptr<model::Sampler> samplerOf(const SamplerPlan& plan) {
    return model::makeSampler(plan.scheduler, plan.steps, plan.shift, plan.start);
}

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

/// What is computed of a window.
struct Computed {
    bool any = true;
    at::Tensor tokens;  ///< as model::Evaluation::kept, references among them; undefined: all
    at::Tensor cells;   ///< [1, 1, T, h, w], of the latents without references; undefined: all
};

std::vector<Computed> computedIn(const RenderPlan& plan, int references) {
    std::vector<Computed> windows(plan.windows.size());
    if (plan.kept.empty()) return windows;
    const auto [frames, rows, columns] = plan.model.patch;
    const int64_t height = plan.latentHeight / rows, width = plan.latentWidth / columns;
    for (size_t i = 0; i < windows.size(); ++i) {
        const at::Tensor kept =
            at::tensor(at::ArrayRef<std::uint8_t>(plan.kept[i]), at::kByte).to(at::kBool);
        windows[i].any = kept.any().item<bool>();
        if (kept.all().item<bool>()) continue;
        const int64_t first = references / frames * height * width;
        windows[i].tokens =
            at::cat({at::ones({first}, at::kBool), kept}).nonzero().squeeze(1).contiguous();
        windows[i].cells = kept.view({-1, height, width})
                               .repeat_interleave(frames, 0)
                               .repeat_interleave(rows, 1)
                               .repeat_interleave(columns, 2)
                               .unsqueeze(0)
                               .unsqueeze(0);
    }
    return windows;
}

/// With every prompt that holds in the window, blended, and guided away from the negative one. A
/// prompt that holds alone is not touched.
at::Tensor guidedVelocity(const RenderPlan& plan, model::VideoModel& model,
                          const Conditions& conditions, size_t windowIndex,
                          const at::Tensor& latents, const at::Tensor& conditioning,
                          double timestep, const at::Tensor& tokens) {
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
    const std::vector<at::Tensor> velocities = model
                                                   .velocity({latents,
                                                              timestep,
                                                              at::cat(prompts),
                                                              conditioning,
                                                              hints,
                                                              {},
                                                              tokens,
                                                              conditions.image})
                                                   .split(1);
    at::Tensor cond = velocities.front();
    if (holding.size() > 1) {
        cond = at::zeros_like(latents);
        for (size_t i = 0; i < holding.size(); ++i)
            cond.add_(velocities[i] *
                      promptShare(plan, plan.prompts[holding[i]], window, conditions.references));
    }
    return guidance > 1 ? model::guide(cond, velocities.back(), guidance) : cond;
}

/// Every window's velocity, blended by the windows' weights; the references' by their mean over
/// the windows that are evaluated.
/// @param held [1, C, T, h, w], what stands where nothing is computed
at::Tensor blendedVelocity(const RenderPlan& plan, model::VideoModel& model,
                           const Conditions& conditions, const std::vector<Computed>& computed,
                           const at::Tensor& held, const at::Tensor& latents, double timestep,
                           const std::function<void(size_t)>& windowDone) {
    const int references = conditions.references;
    const std::vector<std::vector<float>> weights = clip::blendWeights(plan.windows);
    const auto evaluated = static_cast<double>(std::count_if(
        computed.begin(), computed.end(), [](const Computed& window) { return window.any; }));
    at::Tensor velocity = at::zeros_like(latents);
    for (size_t i = 0; i < plan.windows.size(); ++i) {
        const clip::TimeWindow& window = plan.windows[i];
        at::Tensor own;
        if (computed[i].any) {
            const at::Tensor part = guidedVelocity(
                plan, model, conditions, i, cut(latents, window, references),
                cut(conditions.conditioning, window, references), timestep, computed[i].tokens);
            own = part.narrow(2, references, window.length);
            if (references > 0)
                velocity.narrow(2, 0, references)
                    .add_(part.narrow(2, 0, references), 1.0 / evaluated);
        }
        if (computed[i].cells.defined()) {
            const at::Tensor stands = cut(held, window, 0);
            own = own.defined() ? at::where(computed[i].cells, own, stands) : stands;
        }
        const at::Tensor ramp = at::tensor(weights[i], at::kFloat).view({1, 1, -1, 1, 1});
        velocity.narrow(2, references + window.first, window.length).add_(own * ramp);
        windowDone(i + 1);
    }
    return velocity;
}

/// Where the plate's latents are to stand: the velocity that leads from the plate's latents
/// and the starting noise through every x = (1 - sigma) plate + sigma noise, the same at every
/// step. The latents there are the plate's, noised anew for every step with the same noise, which
/// is how the model sees them (blending by a latent mask: Avrahami et al. 2023, "Blended Latent
/// Diffusion", section 4.1), and multistep samplers stay consistent, as the plate is what they find
/// predicted at every step.
at::Tensor heldVelocity(const RenderPlan& plan, const at::Tensor& plate) {
    return startNoise(plan, 0) - plate;
}

}  // namespace

void denoise(const RenderPlan& plan, model::VideoModel& model, const Conditions& conditions,
             DenoiseState& state, const model::Tick& tick, const StepDone& done) {
    const auto sampler = samplerOf(plan.sampler);
    const model::StepCache cache(plan.sampler.cache, plan.sampler.steps);
    const double windowCount = static_cast<double>(plan.windows.size());
    const double total = plan.sampler.steps * windowCount;
    const std::vector<Computed> computed = computedIn(plan, conditions.references);
    at::Tensor held, mask;
    if (conditions.plate.defined()) held = heldVelocity(plan, conditions.plate);
    if (plan.model.heldByNoise)
        mask = conditions.conditioning.narrow(1, plan.model.latentChannels, 1) > 0;
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
            velocity = blendedVelocity(plan, model, conditions, computed, held, state.latents,
                                       timestep, windowDone);
            cache.evaluated(state.latents, velocity, state.cache);
        }
        if (mask.defined()) velocity = at::where(mask, velocity, held);
        state.latents = sampler->step(velocity, state.latents, state.sampler);
        done(state.sampler.step, plan.sampler.steps, state);
    }
}

}  // namespace derrumbe::render
