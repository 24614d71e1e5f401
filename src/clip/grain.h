#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "support/frames.h"

namespace derrumbe::clip {

/// How far the grain of two pixels is measured to hang together, in pixels of the plate.
constexpr int grainReach = 4;
constexpr int grainSpan = 2 * grainReach + 1;

/// A plate's grain as it is measured (grain_meter.h): what has to be added to a clean picture so
/// that it looks as noisy, as coarse and as coloured as the plate. Levels are light in the plate's
/// own colour space and channels.
struct Grain {
    struct Level {
        double light = 0;  ///< mean of what was measured there
        double sigma = 0;  ///< standard deviation
    };
    struct Channel {
        std::vector<Level> levels;  ///< rising in light; none: no grain was measured
        /// White noise filtered with it has the grain's autocorrelation; its squares sum to 1.
        /// [grainSpan][grainSpan], the middle one at the pixel.
        std::array<float, grainSpan * grainSpan> kernel{};
    };
    std::array<Channel, 3> channels;  ///< R, G, B
    /// Makes three independent noises as correlated as the channels' grain is: noise of channel i
    /// is the sum over j <= i of mix[i][j] noise j; each row's squares sum to 1.
    std::array<std::array<float, 3>, 3> mix{};
    float floor = 0;  ///< the least light of the plate, at most 0: grain goes no lower

    /// Standard deviation of a channel at a light: linear between the levels in its logarithm, held
    /// beyond the first and the last. 0 where none was measured.
    double sigma(int channel, double light) const;
    /// Whether there is any grain to add.
    bool any() const;
};

/// Adds grain to a clean picture (R, G, B over its data window, in plate pixels), normally
/// distributed, as strong as the plate's at each pixel's own light.
///
/// The noise comes from a counter (Philox4x32-10) keyed by the seed and counted by frame number and
/// plate pixel: it does not depend on the window, on other frames or on threads. `kept` says how
/// much of the plate's own detail, and so of its own grain, is there already (one channel over the
/// same window, 0..1; without pixels: none): what is added has the variance 1 - kept^2 of the
/// plate's, so that both together have all of it. Where kept is 1, and where a sample is no finite
/// number, the picture keeps its bits. Throws Error(Internal) for windows or channels that differ.
void addGrain(Frame& picture, const Grain& grain, std::uint64_t seed, int frame,
              const Frame& kept = {});

}  // namespace derrumbe::clip
