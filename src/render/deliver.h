#pragma once
#include <string>
#include <vector>

#include "image/colour.h"
#include "provenance/statement.h"
#include "render/generated.h"
#include "render/plan.h"

namespace derrumbe::render {

/// One delivered frame, for the log.
struct Delivered {
    int frame = 0;
    std::string file, sha256, pixelSha256;
    double generatedShare = 0;              ///< mean of the matte over the frame, 0..1
    std::vector<provenance::Event> events;  ///< clamped values, a held plate
    bool kept = false;                      ///< it was already there
};

/// Puts the generated picture into the plate where the matte is, and writes the frame atomically.
/// `generated` is empty for frames before the onset and for shots without a matte: the
/// plate is delivered as it is. Throws Error(Input) for the plate or matte, Error(Output) for the
/// frame.
Delivered deliverFrame(const RenderPlan& plan, const image::ColorConfig& colours,
                       const FrameJob& job, const Generated& generated,
                       const std::string& contentHash);

}  // namespace derrumbe::render
