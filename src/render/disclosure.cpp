#include "render/disclosure.h"

#include <nlohmann/json.hpp>

#include "support/frame_range.h"

namespace derrumbe::render {

namespace {

shot::DType dtypeNamed(const std::string& name) {
    for (const shot::DType type :
         {shot::DType::Float32, shot::DType::BFloat16, shot::DType::Float16})
        if (name == shot::text(type)) return type;
    return shot::DType::Auto;
}

/// `usage.prompt_author`, where the production says it as text.
std::string promptAuthor(const shot::Shot& shot) {
    const nlohmann::json usage = nlohmann::json::parse(shot.provenance.usage, nullptr, false);
    const auto found = usage.is_object() ? usage.find("prompt_author") : usage.end();
    return found != usage.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

shot::Shot resolvedShot(const RenderPlan& plan) {
    shot::Shot shot = plan.shot;
    shot.fps = plan.fps;
    shot.plate.colorspace = plan.plateSpace;
    if (shot.output.colorspace) shot.output.colorspace = plan.outputSpace;
    shot.model.dtype = dtypeNamed(plan.dtype);
    shot.sampler.scheduler = plan.sampler.scheduler;
    shot.sampler.steps = plan.sampler.steps;
    shot.sampler.guidance = plan.sampler.guidance;
    if (plan.sampler.boundary > 0) shot.sampler.guidance2 = plan.sampler.guidance2;
    shot.sampler.shift = plan.sampler.shift;
    shot.matteFill = plan.fillPlate ? shot::MatteFill::Plate : shot::MatteFill::Grey;
    if (!shot.windows.length) shot.windows.length = plan.model.windowLength;
    if (!shot.windows.overlap) shot.windows.overlap = plan.model.windowOverlap;
    return shot;
}

provenance::Disclosure disclosure(const RenderPlan& plan, const std::vector<Delivered>& frames) {
    using provenance::SourceType;
    const shot::Shot& shot = plan.shot;
    provenance::Disclosure disclosure;
    FrameList changed;
    for (const Delivered& frame : frames)
        if (frame.generatedShare > 0) changed.push_back(frame.frame);
    if (!changed.empty()) disclosure.framesChanged = formatFrameRange(changed);
    disclosure.layers = {{"RGBA", changed.empty() ? SourceType::Capture : SourceType::Composite}};
    if (shot.output.generatedLayer)
        disclosure.layers.emplace_back("generated", SourceType::Generated);

    disclosure.operatorName = provenance::userName();
    disclosure.promptAuthor = promptAuthor(shot);
    if (disclosure.promptAuthor.empty()) disclosure.promptAuthor = disclosure.operatorName;
    const std::pair<const char*, bool> contributions[] = {
        {"prompt", !shot.prompt.empty()},
        {"negative prompt", !shot.negativePrompt.empty()},
        {"matte", !shot.mattes.empty()},
        {"holdout", !shot.holdouts.empty()},
        {"beats", !shot.beats.empty()},
        {"onset", shot.onset.has_value()},
        {"strength", !(shot.strength == shot::Curve{})},
        {"keyframes", !shot.keyframes.empty()},
        {"references", !shot.references.empty()},
        {"guides", !shot.guides.empty()},
        {"region", shot.region.kind == shot::RegionKind::Box},
        {"selection of plate and take", true}};
    for (const auto& [what, made] : contributions)
        if (made) disclosure.humanContributions.push_back(what);
    return disclosure;
}

}  // namespace derrumbe::render
