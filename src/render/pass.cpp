#include "render/pass.h"

#include <cmath>
#include <filesystem>

#include "clip/anchor.h"
#include "clip/plate_detail.h"
#include "clip/seam.h"
#include "render/state.h"
#include "render/tensor_bridge.h"
#include "support/strings.h"

namespace derrumbe::render {

namespace {

StateStore storeOf(const Pass& pass) {
    return {std::filesystem::path(pass.plan.frames.front().output).parent_path(),
            pass.run.record.contentSha256, pass.state};
}

/// In which frames the plate's detail went along with what moved; empty where in none.
std::string carriedText(const RenderPlan& plan, const clip::CarriedDetail& carried) {
    constexpr float visible = 0.1f;  // of the plate's contrast
    int count = 0, first = 0, last = 0;
    for (size_t i = 0; i < plan.frames.size(); ++i) {
        if (carried.most(static_cast<int>(i)) < visible) continue;
        last = plan.frames[i].frame;
        if (count++ == 0) first = last;
    }
    if (count == 0) return {};
    return cat("the plate's detail goes along with what moves in ", count, " frames, ", first,
               " to ", last);
}

/// The plate, with what guides show over it.
const Clip& shownClip(const ModelInputs& inputs) {
    return inputs.guided.frames > 0 ? inputs.guided : inputs.plate;
}

}  // namespace

at::Tensor encodeImage(const Pass& pass, model::VideoModel& model, const ModelInputs& inputs) {
    if (pass.plan.model.imageTokens == 0) return {};
    const at::Tensor image = model.encodeImage(tensorFromClip(shownClip(inputs)));
    model.release(model::VideoModel::Stage::ImageEncoder);
    return image;
}

at::Tensor encodeClip(const Pass& pass, model::VideoModel& model, const ModelInputs& inputs) {
    Run& run = pass.run;
    model::ConditioningInput input;
    input.video = tensorFromClip(shownClip(inputs));
    input.mask = tensorFromMask(inputs.mask);
    // What guides do not cover is filled already.
    input.keepReactive = pass.plan.fillPlate || inputs.guided.frames > 0;
    for (const Clip& reference : inputs.references)
        input.references.push_back(tensorFromClip(reference));
    at::Tensor conditioning = model.encodeConditioning(input, run.tick());
    run.keep(pass.prefix + "input_video", input.video);
    run.keep(pass.prefix + "input_mask", input.mask);
    if (!input.references.empty())
        run.keep(pass.prefix + "input_references",
                 at::cat(input.references, 2).squeeze(0).transpose(0, 1));
    return conditioning;
}

std::optional<DenoiseState> savedState(const Pass& pass, const at::Tensor& start) {
    if (!pass.run.options.resume) return std::nullopt;
    auto saved = storeOf(pass).load(start, pass.plan.sampler);
    if (saved) {
        const std::string where =
            cat("at step ", saved->sampler.step, " of ", pass.plan.sampler.steps,
                pass.prefix.empty() ? "" : " of the second pass");
        pass.run.event("resumed", where);
        pass.run.log.info("going on " + where);
    }
    return saved;
}

at::Tensor sample(const Pass& pass, model::VideoModel& model, const Conditions& conditions,
                  DenoiseState state, const model::Tick& tick) {
    Run& run = pass.run;
    const RenderPlan& plan = pass.plan;
    const StateStore store = storeOf(pass);
    denoise(plan, model, conditions, state, tick,
            [&](int, int, const DenoiseState& now) { store.save(now); });
    model.release(model::VideoModel::Stage::Transformer);
    if (plan.sampler.cache > 0) {
        const std::string left = cat(state.cache.reused, " of ", plan.sampler.steps,
                                     " steps took the velocity of an earlier one");
        run.event("cache", left);
        run.log.info(left);
    }
    const int references = conditions.references;
    return state.latents.narrow(2, references, state.latents.size(2) - references);
}

Clip anchored(const Pass& pass, const at::Tensor& video, const ModelInputs& inputs) {
    // The ring is as wide on the plate in every pass.
    clip::AnchorOptions options;
    const double larger =
        static_cast<double>(pass.plan.region.width) * pass.plan.region.height /
        (static_cast<double>(pass.run.plan.region.width) * pass.run.plan.region.height);
    options.ring = static_cast<int>(std::lround(options.ring * std::sqrt(larger)));
    Clip clip = clipFromTensor(video);
    clip::applyAnchor(clip, clip::fitAnchor(clip, inputs.plate, inputs.mask, options));
    return clip;
}

const at::Tensor& plateLatents(const Pass& pass, model::VideoModel& model,
                               const ModelInputs& inputs, SharedWork::OfPass& shared,
                               const model::Tick& tick) {
    return shared.plate.get(sharedKeys(pass.plan).reconstruction, [&] {
        at::Tensor latents = model.encode(tensorFromClip(inputs.plate), tick);
        pass.run.keep(pass.prefix + "plate_latents", latents);
        return latents;
    });
}

Clip reconstructed(const Pass& pass, model::VideoModel& model, const ModelInputs& inputs,
                   SharedWork::OfPass& shared) {
    // Both halves count the video's frames, so that each is half of the work.
    const auto half = [&](double from) -> model::Tick {
        return [tick = pass.run.tick(), from](double done, double total) {
            tick(from + 0.5 * done / total, 1);
        };
    };
    const at::Tensor latents = plateLatents(pass, model, inputs, shared, half(0));
    return anchored(pass, model.decode(latents, half(0.5)), inputs);
}

void findDetail(const Pass& pass, Generated& generated, Clip reconstruction, const ClipMask& mask) {
    generated.detail = clip::detailWeights(generated.picture, reconstruction, mask);
    if (pass.plan.carriesDetail()) {
        generated.carried = clip::carryDetail(generated.picture, reconstruction, mask,
                                              generated.detail, pass.plan.framesAtOnce);
        const std::string frames = carriedText(pass.plan, generated.carried);
        if (!frames.empty()) {
            pass.run.event("detail", frames);
            pass.run.log.info(frames);
        }
    }
    generated.reconstruction = std::move(reconstruction);
}

void healSeam(const Pass& pass, Generated& generated, const ModelInputs& inputs) {
    if (pass.plan.shot.seam == shot::Seam::Plate)
        clip::healSeam(generated.picture, inputs.plate, inputs.matte, inputs.mask,
                       pass.plan.framesAtOnce);
}

}  // namespace derrumbe::render
