#pragma once
#include "clip/grain_meter.h"
#include "render/plan.h"

namespace derrumbe::render {

/// Measures the grain of a shot's plates, in their own colour space and size, within the crop: of
/// about twelve frames spread over the whole shot, whatever of it is to be delivered.
class PlateGrain {
  public:
    explicit PlateGrain(const RenderPlan& plan) : plan_(plan) {}

    /// Every frame of the shot, in time; plates that are missing, and keyframes, are passed over by
    /// not being shown.
    /// @param matte what may change at that frame; nullptr: nothing, or everything (`matte: full`),
    ///        and the whole crop is measured
    void look(const FrameJob& job, const Frame& plate, const Matte* matte);

    clip::Grain grain() const { return meter_.grain(); }

  private:
    bool isChosen(int index) const;

    const RenderPlan& plan_;
    clip::GrainMeter meter_;
    Frame before_;  ///< of the last plate that was shown, what is the crop in the frame after it
    std::string beforeFile_;
    int beforeIndex_ = -2;
};

}  // namespace derrumbe::render
