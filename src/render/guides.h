#pragma once
#include "image/colour.h"
#include "image/read_frame.h"
#include "render/plan.h"

namespace derrumbe::render {

/// Guides as VACE is given its control videos: pictures in the reactive clip, where the mask is 1.
/// A previz is light, and goes the plate's way: its colour space, the model's, the model's
/// encoding. Depth, flow and scribble are data: their numbers in [0, 1] are the model's codes as
/// they are, as VACE's annotators give them (ali-vilab/VACE, vace/annotators; reference pipeline:
/// diffusers, WanVACEPipeline, `video`).
///
/// A guide of the size of the plate's display window, or of its data window, lies over that; one of
/// another size but the same shape is scaled over the display window (Lanczos3 when it gets
/// smaller, Mitchell when larger).

/// The header's part of the checks. Throws Error(Input) for another shape than the plate's, and for
/// channels that the guide's type is not read from: R, G, B or Y, and of depth and scribble also a
/// lone channel of any name.
void checkGuide(const RenderPlan& plan, const shot::Guide& guide, const image::PlateProbe& picture);

/// Throws Error(Input) for data that reaches far beyond [0, 1]: distances or motion vectors as a
/// renderer writes them, which are no control video yet.
void checkGuideValues(const shot::Guide& guide, const image::PlateImage& picture);

/// What the model is shown, as ModelInputs::guided says. Inside the mask the guides lie over each
/// other in the shot's order, each as opaque as its strength (1 at most) and, of a previz, as its
/// alpha; where a previz has no pixels what is below it stays, where data has none it is 0 for
/// depth (far), 1 for flow and scribble (nothing moves, no line). A keyframe is never covered.
/// Throws Error(Input).
/// @param plate, mask  of all the clip's frames
Clip guidedClip(const RenderPlan& plan, const image::ColorConfig& colours, const Clip& plate,
                const ClipMask& mask);

}  // namespace derrumbe::render
