#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "model/speed.h"
#include "render/plan.h"

namespace derrumbe::render {

/// How long a render would take on this machine as it is now, beside whatever else runs on it.
struct TimeEstimate {
    /// Seconds by stage, named and in the order as the log has them; "start" first: the program's
    /// and its planning.
    std::vector<std::pair<std::string, double>> stages;
    double flopsPerSecond = 0;  ///< of the transformer on this machine; 0: it does not run
    /// Why the render may take less than the stages say, a reason each: what cannot be known
    /// beforehand. Empty: it should take as long.
    std::vector<std::string> atMost;

    double seconds() const;
};

/// Seconds since this process began; 0 where the system does not say.
double processSeconds();

/// Estimates plans, one after another: what was measured of a model holds for the next plan that
/// runs it at the same sizes, as the takes of a shot do.
class TimeEstimator {
  public:
    /// Measures what a frame costs, by reading and delivering one before the onset and one after it
    /// (into a temporary folder), as many at once as the render would; and pieces of the model
    /// (`model/speed.h`), by whose speed its work is scaled; and how weights' files lie
    /// (`reading_time.h`). Takes about as long as two frames and, where the model was not measured
    /// yet, two seconds. Frames that are there already are counted
    /// as if they were rendered again; so are evaluations that `sampler.cache` may leave out, and
    /// all of the denoising where several processes will share it. Throws Error(Input) for a plate
    /// or matte that cannot be read, Error(Output) where there is no temporary folder.
    /// @param start seconds that starting and planning takes
    TimeEstimate of(const RenderPlan& plan, double start);

  private:
    /// How fast the model works at the sizes of a pass.
    const model::Speeds& speedsOf(const RenderPlan& pass);

    std::map<std::pair<std::filesystem::path, model::SpeedTrial>, model::Speeds> speeds_;
};

/// The estimate's lines of `plan`.
std::string timeText(const TimeEstimate& time);

}  // namespace derrumbe::render
