#pragma once
#include <optional>
#include <vector>

#include "clip/grain.h"
#include "image/colour.h"
#include "image/matte.h"
#include "image/read_frame.h"
#include "model/video_model.h"
#include "render/plan.h"

namespace derrumbe::render {

/// What the model is shown: the plate's crop in its encoding, and where it may paint.
struct ModelInputs {
    Clip plate;      ///< the crop at the working size, [-1, 1]
    ClipMask mask;   ///< 1 = generate; 0 before the onset and on keyframes
    ClipMask matte;  ///< as drawn, 0..1, where the mask is set; else 0
    /// Where guides steer: what the model is shown instead of the plate, which is the guides inside
    /// the mask (over the plate or grey, as the shot fills it) and the plate outside. Else empty.
    Clip guided;
    std::vector<Clip> references;  ///< each one frame, fitted on a white canvas
    clip::Grain grain;             ///< of the plate; none without `grain: plate`
};

/// One matte source of the shot at one file.
image::MatteRequest matteRequest(const shot::MatteSource& source, const std::string& file);

/// How a plate differs from the first one in size or channels, as an error's text; empty where it
/// does not.
std::string plateMismatch(const RenderPlan& plan, const image::PlateProbe& plate);

/// Throws Error(Input) where a keyframe's picture does not lie over the plate's.
void checkKeyframe(const RenderPlan& plan, const image::PlateProbe& picture);

/// The plate of one job, with the shot's policy for missing frames. Throws Error(Input), also where
/// size or channels differ from the first plate's.
image::PlateImage readJobPlate(const RenderPlan& plan, const FrameJob& job);

/// The keyframe that stands at one job's frame, if any, in the plate's colour space. Throws
/// Error(Input), also where it does not lie over the plate.
std::optional<image::PlateImage> readJobKeyframe(const RenderPlan& plan,
                                                 const image::ColorConfig& colours,
                                                 const FrameJob& job);

/// The colour space of a picture beside the plate (a reference, a keyframe, a previz): what its
/// header says; of one in the plate's own file format that says nothing, the plate's; else its
/// format's habit.
std::string pictureSpace(const RenderPlan& plan, const image::ColorConfig& colours,
                         const image::PlateProbe& picture);

/// What the model may change at one job's frame, over the plate's data window: the mattes as the
/// artist drew them (grow, feather), added and subtracted in their order, holdouts included.
Matte readModelMatte(const RenderPlan& plan, const FrameJob& job);

/// How far the model's mask reaches beyond the matte, in working pixels: debris and the first dust
/// leave the silhouette, and published models were trained with loose mattes
/// (reference/wan-vace.md, 5). 6 of 480 lines; no more than that share of a small picture, whose
/// surroundings would be repainted as far as the eye compares them with the plate.
int maskGrow(const clip::CropPlan& region);

/// Whether a keyframe stands at the job's frame: the model keeps it as it is.
bool isKeyframe(const RenderPlan& plan, const FrameJob& job);

/// One frame of the mask that the model sees, from that matte: 1 where it may paint.
void setModelMask(const RenderPlan& plan, const FrameJob& job, const Matte& matte, ClipMask& mask,
                  int frame);

/// Matte sources in their order, one file each: added and subtracted, over the plate's data window.
Matte readMattes(const RenderPlan& plan, const std::vector<shot::MatteSource>& sources,
                 const std::vector<std::string>& files);

/// Makes a job's model matte that of the composite: the holdouts, which stay in front of what the
/// model makes, are cut out, and the shot's strength at that frame scales the rest.
void compositeMatte(const RenderPlan& plan, const FrameJob& job, Matte& matte);

/// 1 where what the plate shows belongs to what the shot may change, 0 where a holdout keeps
/// something in front of it; over the plate's data window.
Matte readFront(const RenderPlan& plan, const FrameJob& job);

/// The matte of the composite: the model's, held out, at the shot's strength.
Matte readJobMatte(const RenderPlan& plan, const FrameJob& job);

/// A picture of one job's frame, in the plate's colour space, as the model sees its crop: codes in
/// [0, 1] at the working size.
Frame modelCodes(const RenderPlan& plan, const image::ColorConfig& colours, const Frame& picture,
                 int index);

/// Reads every plate and matte of the shot, as many at once as the plan says; frames past the last
/// one hold it (the clip is 4k+1 long).
ModelInputs loadInputs(const RenderPlan& plan, const image::ColorConfig& colours,
                       const model::Tick& tick);

}  // namespace derrumbe::render
