#include "render/refine.h"

#include <algorithm>

#include "clip/encoding.h"
#include "clip/windows.h"
#include "render/pass.h"
#include "render/plan_second.h"
#include "render/tensor_bridge.h"
#include "render/tiled_model.h"
#include "support/in_parallel.h"
#include "support/interrupt.h"
#include "support/strings.h"

namespace derrumbe::render {

namespace {

/// The first pass' picture at the second one's size, in [-1, 1]: inside the model's mask what would
/// be delivered, without grain, outside it the plate.
Clip startPicture(const Pass& pass, const Generated& first, const ModelInputs& inputs) {
    const RenderPlan &plan = pass.plan, &before = pass.run.plan;
    Clip clip = inputs.plate;
    Generated clean = first;
    clean.grain = {};
    const auto frames = static_cast<int>(plan.frames.size());
    inParallel(frames, plan.framesAtOnce, [&](int i) {
        throwIfInterrupted();
        const float* mask = inputs.mask.plane(i);
        if (std::none_of(mask, mask + clip.planeSize(), [](float m) { return m > 0.5f; })) return;
        const Frame plate = readJobPlate(plan, plan.frames[static_cast<size_t>(i)]).frame;
        const Frame codes = modelCodes(
            plan, pass.run.colours, generatedFrame(before, pass.run.colours, clean, i, plate), i);
        for (int c = 0; c < 3; ++c)
            for (size_t p = 0; p < clip.planeSize(); ++p)
                if (mask[p] > 0.5f)
                    clip.plane(c, i)[p] = std::clamp(codes.pixels[p * 3 + c] * 2 - 1, -1.f, 1.f);
    });
    for (int i = frames; i < clip.frames; ++i)
        for (int c = 0; c < 3; ++c)
            std::copy_n(clip.plane(c, clip::heldFrame(i, frames)), clip.planeSize(),
                        clip.plane(c, i));
    return clip;
}

/// The conditioning at the larger size. References are encoded as large as a tile, and stand in
/// the corner that TiledModel takes them from.
at::Tensor encodeLarge(const Pass& pass, model::VideoModel& model, const ModelInputs& inputs,
                       const std::vector<Clip>& references) {
    const at::Tensor clip = encodeClip(pass, model, inputs);
    if (references.empty()) return clip;
    const auto count = static_cast<int64_t>(references.size());
    // They come with a clip; the shortest one there is.
    const clip::Tile& tile = pass.plan.tiles.front();
    const int scale = pass.plan.model.spatialScale;
    model::ConditioningInput input;
    input.video = at::zeros({1, 3, 1, tile.height * scale, tile.width * scale}, at::kFloat);
    input.mask = at::zeros({1, 1, 1, tile.height * scale, tile.width * scale}, at::kFloat);
    for (const Clip& reference : references) input.references.push_back(tensorFromClip(reference));
    const at::Tensor known = model.encodeConditioning(input, pass.run.tick());
    std::vector<int64_t> sizes = clip.sizes().vec();
    sizes[2] += count;
    at::Tensor all = at::zeros(sizes, at::kFloat);
    all.narrow(2, count, clip.size(2)).copy_(clip);
    tileOf(all.narrow(2, 0, count), {0, 0, tile.height, tile.width})
        .copy_(known.narrow(2, 0, count));
    return all;
}

at::Tensor encodeStart(const Pass& pass, model::VideoModel& model, const Generated& first,
                       const ModelInputs& inputs) {
    const at::Tensor video = tensorFromClip(startPicture(pass, first, inputs));
    pass.run.keep(pass.prefix + "start_video", video);
    return model.encode(video, pass.run.tick());
}

/// Latents that are noised to the second pass' first level: the picture's, and before them the
/// references' own.
at::Tensor startLatents(const Pass& pass, const Conditions& conditions, const at::Tensor& picture,
                        const at::Tensor& noise) {
    const int references = conditions.references;
    at::Tensor clean = picture;
    if (references > 0)
        clean = at::cat({conditions.conditioning.narrow(2, 0, references)
                             .narrow(1, 0, pass.plan.model.latentChannels),
                         picture},
                        2);
    const double level = pass.plan.sampler.start;
    return clean * (1 - level) + noise * level;
}

/// Between the windows that denoise() counts, its tiles.
at::Tensor sampleTiles(const Pass& pass, model::VideoModel& model, const Conditions& conditions,
                       DenoiseState state) {
    const RenderPlan& plan = pass.plan;
    const model::Tick tick = pass.run.tick();
    const auto windows = static_cast<double>(plan.windows.size());
    const double total = plan.sampler.steps * windows;
    double before = state.sampler.step * windows;
    TiledModel tiled(model, plan.tiles, conditions.references, [&](size_t tile) {
        tick(before + static_cast<double>(tile) / static_cast<double>(plan.tiles.size()), total);
    });
    return sample(pass, tiled, conditions, std::move(state), [&](double done, double of) {
        before = done;
        tick(done, of);
    });
}

}  // namespace

Generated refine(Run& run, SharedWork& shared, model::VideoModel& model, const FirstPass& first) {
    const Pass pass{run, *run.plan.second, "refine", "refine."};
    const RenderPlan& plan = pass.plan;
    const SharedKeys keys = sharedKeys(plan);
    run.event("refine", secondPassText(plan));
    run.log.info("a second pass: " + secondPassText(plan));

    run.stage("refine: plates", 0.03);
    const ModelInputs& inputs = shared.second.inputs.get(keys.inputs, [&] {
        ModelInputs loaded = loadInputs(plan, run.colours, run.tick());
        loaded.references.clear();  // those of the first pass are as large as a tile
        return loaded;
    });
    run.stage("refine: encoding", 0.12);
    Conditions conditions = first.conditions;
    conditions.conditioning = shared.second.conditioning.get(keys.conditioning, [&] {
        return encodeLarge(pass, model, inputs, first.inputs.references);
    });
    run.keep(pass.prefix + "conditioning", conditions.conditioning);
    const at::Tensor picture = encodeStart(pass, model, first.generated, inputs);
    // Around the model's mask it is the plate's.
    conditions.plate = plan.model.heldByNoise || !plan.kept.empty() ? picture : at::Tensor();
    const at::Tensor noise = startNoise(plan, conditions.references);
    run.keep(pass.prefix + "noise", noise);

    run.stage("refine: denoising", 0.65);
    DenoiseState state;
    if (auto saved = savedState(pass, noise))
        state = std::move(*saved);
    else
        state.latents = startLatents(pass, conditions, picture, noise);
    const at::Tensor denoised = sampleTiles(pass, model, conditions, std::move(state));
    // Where no tile lies nothing may change.
    at::Tensor latents = picture.clone();
    const clip::Tile covered = clip::coveredBy(plan.tiles);
    tileOf(latents, covered).copy_(tileOf(denoised, covered));
    run.keep(pass.prefix + "latents", latents);

    run.stage("refine: decoding", 0.08);
    const at::Tensor made = model.decode(latents, run.tick());
    run.keep(pass.prefix + "video", made);
    Generated generated{anchored(pass, made, inputs), {}, {}, {}, first.generated.grain};
    if (plan.keepsDetail()) {
        run.stage("refine: plate detail", 0.07);
        const Clip& reconstruction = shared.second.reconstruction.get(
            keys.reconstruction, [&] { return reconstructed(pass, model, inputs, shared.second); });
        findDetail(pass, generated, reconstruction, inputs.mask);
    }
    healSeam(pass, generated, inputs);
    return generated;
}

}  // namespace derrumbe::render
