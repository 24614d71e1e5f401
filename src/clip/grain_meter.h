#pragma once
#include <array>
#include <vector>

#include "clip/grain.h"

namespace derrumbe::clip {

/// Measures the grain of a plate, frame by frame, where the plate is the truth.
///
/// Blocks of 32 x 32 pixels (16 x 16 of a window that is smaller than 256), at most about 1,500
/// spread over the frame, lose the plane that fits them best, per channel; what is left of a flat
/// one is grain. Of the blocks at one level of light (half a stop) the flattest fifth tells what
/// flat is there, and all blocks of at most one and a half times its variance count, so that
/// texture does not and a plate of nothing but grain loses hardly any. The same is done with the
/// difference to the frame before, over sqrt(2): texture that stands still falls out of it, grain
/// does not. At each level the lesser of the two variances holds. Left out before are edges, blocks
/// of three times the variance of the calmest of its quarters; and what is clipped, blocks of which
/// a hundredth has the frame's least or greatest value.
///
/// Where every block of a level is texture (facades fill the mid-tones of a street), the calmer
/// levels say how much of it can be grain: the standard deviation falls nowhere as light rises, and
/// rises at most in proportion to it. Read noise, shot noise (its root; Foi et al., "Practical
/// Poissonian-Gaussian noise modeling and fitting for single-image raw-data", IEEE Transactions on
/// Image Processing 17, 2008, section II) and grain that is even in a logarithmic encoding lie
/// within that; grain that is even under a display's shoulder is steeper, and comes back too weak.
///
/// The variance that a fitted plane takes along (more of it the coarser the grain) is put back. The
/// kernel is the zero-phase root of the spectrum of the autocorrelation within grainReach pixels.
class GrainMeter {
  public:
    /// @param light R, G, B, all finite, in the plate's colour space
    /// @param changing blocks with any of it are left out; nullptr: none is
    /// @param before the frame before, of the same window; nullptr where there is none, or where it
    ///        is the same picture
    void add(const Frame& light, const Matte* changing, const Frame* before);

    /// What was measured so far; no levels where nothing was.
    Grain grain() const;

  private:
    static constexpr int levels = 36;
    static constexpr int lags = grainSpan * grainSpan;
    struct Level {
        double blocks = 0, light = 0, variance = 0;  ///< sums
    };
    /// Sums over flat blocks, of one way to tell grain from picture.
    struct Statistics {
        std::array<std::array<Level, levels>, 3> byLevel;
        std::array<std::array<double, lags>, 3> lag{};  ///< of autocorrelations
        std::array<double, 3> lagBlocks{};
        std::array<std::array<double, 3>, 3> cross{}, crossBlocks{};  ///< of correlations
    };
    struct Block;

    static int levelOf(double light);
    /// Levels rise in light.
    static void bound(std::vector<Grain::Level>& levels);
    static void addTo(Statistics& statistics, std::vector<Block> blocks);
    void measureChannel(Grain& grain, int channel) const;
    const Statistics& closest() const;

    Statistics inSpace_, inTime_;
    bool haveTime_ = false;
    float least_ = 0;
    int side_ = 0;  ///< of a block, as the first frame's window says
};

}  // namespace derrumbe::clip
