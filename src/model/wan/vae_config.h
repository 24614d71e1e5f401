#pragma once
#include <cstdint>
#include <vector>

#include "model/weights/config.h"

namespace derrumbe::model {

/// AutoencoderKLWan's configuration (vae/config.json), with the class' defaults for what a file
/// leaves out.
struct VaeConfig {
    int64_t baseDim = 96;         ///< encoder width at full resolution
    int64_t decoderBaseDim = 96;  ///< decoder width at full resolution; baseDim where not given
    int64_t latentChannels = 16;  ///< z_dim
    std::vector<int64_t> widths = {1, 2, 4, 4};  ///< dim_mult: a stage's width over baseDim
    int64_t residualBlocks = 2;                  ///< a stage's blocks (the decoder has one more)
    std::vector<bool> halveTime = {false, true, true};  ///< temperal_downsample, a stage each
    bool residual = false;  ///< Wan2.2's form: stages with parameter-free shortcuts
    int64_t patch = 1;      ///< pixels a side folded into channels
    int64_t inChannels = 3, outChannels = 3;
    std::vector<double> latentMean, latentStd;                ///< a channel each
    int64_t statedSpatialScale = 8, statedTemporalScale = 4;  ///< scale_factor_*, as in the file

    /// Reads and checks it; combinations that the reference cannot run are recorded as problems of
    /// `config` (whose owner calls throwIfProblems).
    static VaeConfig read(const Config& config);

    int64_t stages() const { return static_cast<int64_t>(widths.size()); }
    /// Pixels a latent, by construction: patch * 2^(stages - 1).
    int64_t spatialScale() const { return patch << (stages() - 1); }
    /// Frames a latent (after the first), by construction: 2 for every stage that halves time.
    int64_t temporalScale() const;
    /// Latent frames of a clip: 1 + (frames - 1) / 4 groups of 4 / temporalScale(); as in the
    /// reference, frames past 4k + 1 are dropped.
    int64_t latentFrames(int64_t frames) const;
    /// Frames that this many latent frames decode to.
    int64_t frames(int64_t latentFrames) const { return 1 + (latentFrames - 1) * temporalScale(); }
};

}  // namespace derrumbe::model
