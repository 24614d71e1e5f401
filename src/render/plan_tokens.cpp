#include "render/plan_tokens.h"

#include <algorithm>

#include "clip/cells_near.h"
#include "clip/model_mask.h"
#include "render/inputs.h"
#include "render/plan_problems.h"
#include "support/in_parallel.h"
#include "support/interrupt.h"

namespace derrumbe::render {

namespace {

using Cells = std::vector<std::uint8_t>;

/// The places of tokens near what the model may change in one of the shot's frames; empty where it
/// may change nothing.
Cells cellsOf(const RenderPlan& plan, const FrameJob& job) {
    if (!job.generated || isKeyframe(plan, job)) return {};
    ClipMask mask = clip::emptyMask(1, plan.region.height, plan.region.width);
    setModelMask(plan, job, readModelMatte(plan, job), mask, 0);
    const int scale = plan.model.spatialScale;
    return clip::cellsNear(mask.plane(0), mask.height, mask.width, scale * plan.model.patch[1],
                           scale * plan.model.patch[2], *plan.sampler.sparse);
}

/// A window's tokens from the frames' cells.
Cells tokensOf(const RenderPlan& plan, const clip::TimeWindow& window,
               const std::vector<Cells>& frames) {
    const int scale = plan.model.temporalScale;
    Cells near(static_cast<size_t>(plan.latentHeight / plan.model.patch[1]) *
               (plan.latentWidth / plan.model.patch[2]));
    // The first latent stands for one frame, each other for as many as the scale says.
    const int first = window.first == 0 ? 0 : (window.first - 1) * scale + 1,
              last = (window.end() - 1) * scale;
    for (int i = first; i <= last; ++i) {
        const Cells& cells = frames[clip::heldFrame(i, static_cast<int>(frames.size()))];
        for (size_t k = 0; k < cells.size(); ++k) near[k] |= cells[k];
    }
    Cells tokens;
    for (int t = 0; t < window.length / plan.model.patch[0]; ++t)
        tokens.insert(tokens.end(), near.begin(), near.end());
    return tokens;
}

}  // namespace

void planTokens(RenderPlan& plan, Problems& problems) {
    if (!plan.sampler.sparse) return;
    std::vector<Cells> frames(plan.frames.size());
    std::vector<Problems> found(frames.size());
    inParallel(static_cast<int>(frames.size()), plan.framesAtOnce, [&](int i) {
        throwIfInterrupted();
        attemptAt(found[i], plan.shot.place("matte"),
                  [&] { frames[i] = cellsOf(plan, plan.frames[i]); });
    });
    for (const Problems& of : found) problems.add(of.list());
    bool all = true;
    for (const clip::TimeWindow& window : plan.windows) {
        plan.kept.push_back(tokensOf(plan, window, frames));
        all = all && std::count(plan.kept.back().begin(), plan.kept.back().end(), 0) == 0;
    }
    if (all) plan.kept.clear();
}

}  // namespace derrumbe::render
