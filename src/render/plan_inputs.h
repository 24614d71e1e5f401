#pragma once
#include <optional>

#include "image/probe.h"
#include "render/plan.h"

namespace derrumbe::render {

/// Reads the header of every plate: whole files with colours, windows and channels as the first
/// one's. Fills in the plan's windows and channels, from the first plate that can be read, and
/// returns what its header says; nothing where there is none.
std::optional<image::PlateProbe> checkPlates(RenderPlan& plan, Problems& problems);

/// What the shot delivers against the plates' channels: layers of the same name, numbers that half
/// cannot hold. After checkPlates().
void checkDelivery(const RenderPlan& plan, const image::PlateProbe& first, Problems& problems);

/// Reads the headers of every matte and guide that is used, of references and of keyframes, and
/// checks their sizes and channels; of a guide that is floating-point data also its first picture.
/// After checkPlates().
void checkOtherPictures(const RenderPlan& plan, Problems& problems);

}  // namespace derrumbe::render
