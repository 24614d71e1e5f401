#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "cli/golden_file.h"
#include "render/plan.h"
#include "support/log.h"
#include "support/progress.h"

namespace derrumbe::cli {

/// One golden shot: `STEM.yaml` in the studio's folder, its golden frames in `STEM.golden` beside
/// it.
struct GoldenShot {
    std::string stem;
    std::filesystem::path golden;  ///< the folder of the frames and golden.json
    GoldenFile file;               ///< as golden.json has it; nothing but tolerances without one
    render::RenderPlan plan;
};

/// Where and with what golden shots are rendered.
struct GoldenOptions {
    std::string device = "auto";
    int threads = 0;  ///< 0: as the golden frames were made, for new ones all cores
    /// Where the frames of a check go, one folder a shot; empty: into `STEM.golden.part` beside the
    /// shot, for an update.
    std::filesystem::path folder;
};

/// Reads every shot of the folder, its golden.json and the headers of all that it needs. Everything
/// that is wrong with any of them ends in `problems`: no golden frames and no tolerance for this
/// kind of processor are errors of a check alone.
std::vector<GoldenShot> readGoldenShots(const std::filesystem::path& folder,
                                        const GoldenOptions& options, Problems& problems);

/// Renders the shot and puts its frames and a new golden.json in the old ones' place, all at once.
/// An update that was interrupted goes on where it was.
void updateGolden(const GoldenShot& shot, const GoldenOptions& options, Log& log,
                  Progress& progress);

/// Renders the shot and compares: a result for its inputs, and one a frame. A render that fails is
/// one result, too; only an interruption is thrown.
/// @param comparer  its tolerance and its folder of heat maps are set for this shot
std::vector<FrameResult> checkGolden(const GoldenShot& shot, const GoldenOptions& options,
                                     Comparer& comparer, Log& log, Progress& progress);

}  // namespace derrumbe::cli
