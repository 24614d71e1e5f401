#pragma once
#include <ATen/ATen.h>

#include <map>
#include <string>

#include "image/colour.h"
#include "model/video_model.h"
#include "render/generated.h"
#include "render/inputs.h"
#include "render/record.h"
#include "render/render.h"
#include "render/stages.h"

namespace derrumbe::render {

/// What one render holds while it runs: the plan, who is told how far it is, and the record of what
/// it did.
struct Run {
    const RenderPlan& plan;
    const RenderOptions& options;
    Log& log;
    Progress& progress;
    Record record = {};
    RenderResult result = {};
    image::ColorConfig colours = image::ColorConfig::load();
    std::map<std::string, at::Tensor> dump =
        {};  ///< for --dump-tensors, named as the contract names them

    double part = 1;  ///< of the model's work, what the present pass takes; scales stages' shares

    /// Begins a stage that takes about `share` of the render; a safe moment to stop.
    void stage(const std::string& name, double share);
    /// Progress within the stage; throws Error(Interrupted) when a signal has come.
    model::Tick tick();
    /// Remembers a tensor for --dump-tensors.
    void keep(const std::string& name, const at::Tensor& tensor);
    void event(const std::string& kind, const std::string& message);
};

/// The model's part of the way: plates in, the generated picture of every frame of the shot out.
Generated generate(Run& run);

}  // namespace derrumbe::render
