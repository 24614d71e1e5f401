#pragma once
#include "clip/carried_detail.h"
#include "clip/grain.h"
#include "image/colour.h"
#include "render/plan.h"

namespace derrumbe::render {

/// What the model made of a shot, at its working size and in its encoding, and what brings it back
/// to the plate's resolution. Of every frame of the shot, whatever is to be delivered.
struct Generated {
    Clip picture;         ///< anchored in colour to the plate; no frames: nothing was generated
    Clip reconstruction;  ///< the plate's own way through the model, anchored alike; no frames
                          ///< with `detail: off`
    ClipMask detail;      ///< 1 where the plate's detail stays; the same
    clip::CarriedDetail carried;  ///< the detail of what moves, with `detail: plate`
    clip::Grain grain;            ///< of the plate; none without `grain: plate`
};

/// The picture that the model made at one frame, back in the plate's colour space and size: R, G, B
/// over the crop, with the plate's detail where the model changed nothing and on what it moved, and
/// the plate's grain where that detail does not bring it. May read holdouts: throws Error(Input).
Frame generatedFrame(const RenderPlan& plan, const image::ColorConfig& colours,
                     const Generated& generated, int index, const Frame& plate);

}  // namespace derrumbe::render
