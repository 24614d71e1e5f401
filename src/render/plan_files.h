#pragma once
#include "render/plan.h"

namespace derrumbe::render {

/// Fills in the plan's frames: which files each reads and writes, which it only holds. Plates that
/// are missing follow the shot's policy; mattes and guides have to be there from the onset on,
/// before it none is read.
void planFiles(RenderPlan& plan, const PlanOptions& options, Problems& problems);

/// Refuses frames and a log that would take the place of a file that the render reads, by whatever
/// name or link: the next render would start from this one's result. Needs the plan's frames and
/// model.
/// @param ocioConfig  the OCIO configuration's file
void refuseOverwrites(const RenderPlan& plan, const std::string& ocioConfig, Problems& problems);

}  // namespace derrumbe::render
