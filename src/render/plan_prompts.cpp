#include "render/plan_prompts.h"

#include <algorithm>

#include "image/resample.h"
#include "render/inputs.h"
#include "render/plan_problems.h"
#include "support/strings.h"

namespace derrumbe::render {

namespace {

bool anyAbove(const std::vector<float>& values) {
    return std::any_of(values.begin(), values.end(), [](float value) { return value > 0; });
}

/// A beat's mattes over the latents' cells, a plane for each of the shot's frames. Those of frames
/// before the first that is read (the beat has not begun, or the model only keeps the plate) are
/// its.
std::vector<std::vector<float>> areaOf(const RenderPlan& plan, size_t beat) {
    const std::vector<shot::MatteSource>& sources = plan.shot.beats[beat].mattes;
    if (sources.empty()) return {};
    std::vector<std::vector<float>> planes;
    const std::vector<std::string>* before = nullptr;
    Box beforeCrop;
    for (const FrameJob& job : plan.frames) {
        const std::vector<std::string>* files =
            job.beatMattes.empty() || job.beatMattes[beat].empty() ? nullptr
                                                                   : &job.beatMattes[beat];
        const Box crop = plan.region.at(job.index);
        if (before && (!files || (*files == *before && crop == beforeCrop))) {
            planes.push_back(planes.back());
        } else if (files) {
            std::vector<float> plane = image::resizeMatte(readMattes(plan, sources, *files), crop,
                                                          plan.latentWidth, plan.latentHeight)
                                           .values;
            planes.resize(static_cast<size_t>(job.index), plane);
            planes.push_back(std::move(plane));
            before = files;
            beforeCrop = crop;
        }
    }
    if (planes.empty())
        planes.emplace_back(static_cast<size_t>(plan.latentHeight) * plan.latentWidth, 0.f);
    return planes;
}

}  // namespace

bool PromptPlan::holdsIn(const clip::TimeWindow& window) const {
    return std::any_of(weights.begin() + static_cast<std::ptrdiff_t>(window.first) * cells,
                       weights.begin() + static_cast<std::ptrdiff_t>(window.end()) * cells,
                       [](float weight) { return weight > 0; });
}

std::vector<clip::Beat> timeline(const RenderPlan& plan) {
    std::vector<clip::Beat> beats;
    for (const shot::Beat& beat : plan.shot.beats) {
        const auto job = std::find_if(plan.frames.begin(), plan.frames.end(),
                                      [&](const FrameJob& it) { return it.frame == beat.from; });
        beats.push_back({static_cast<int>(job - plan.frames.begin()), beat.blend});
    }
    return beats;
}

void planPrompts(RenderPlan& plan, Problems& problems) {
    std::vector<clip::Beat> beats = timeline(plan);
    int cells = 1;
    for (size_t i = 0; i < beats.size(); ++i) {
        attemptAt(problems, plan.shot.place(cat("beats.", i, ".matte")),
                  [&] { beats[i].area = areaOf(plan, i); });
        if (!beats[i].area.empty()) cells = plan.latentHeight * plan.latentWidth;
    }
    const auto weights =
        clip::beatWeights(beats, plan.latentFrames, plan.model.temporalScale, cells);
    plan.prompts = {{plan.shot.prompt, weights.front(), cells}};
    for (size_t i = 0; i < beats.size(); ++i) {
        plan.prompts.push_back({plan.shot.beats[i].prompt, weights[i + 1], cells});
        if (!plan.shot.beats[i].mattes.empty() && !anyAbove(weights[i + 1]))
            problems.warning(cat("the matte of beat ", plan.shot.beats[i].from,
                                 " is empty in all that the model sees: its prompt is not used"),
                             plan.shot.place(cat("beats.", i, ".matte")));
    }
}

}  // namespace derrumbe::render
