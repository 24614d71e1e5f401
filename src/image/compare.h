#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "support/frames.h"

namespace derrumbe::image {

/// How two pictures differ. Windows and channels are compared first, by us: tools that compare
/// only what both have call pictures of different size equal.
struct Comparison {
    /// Why the pixels cannot be compared (size, windows, channels), empty where they can.
    std::string mismatch;
    double maxError = 0;   ///< greatest absolute difference of a sample
    double meanError = 0;  ///< mean absolute difference
    double rmse = 0;
    double psnr = 0;  ///< dB for the peak given; infinite where equal
    std::int64_t samples = 0;
    std::int64_t differing =
        0;  ///< samples whose bits differ (+0 and -0, NaNs of other payload too)
    std::int64_t notFinite = 0;  ///< samples where only one is finite, or infinite of another sign
    std::string worstChannel;
    int worstX = 0, worstY = 0;  ///< window coordinates of maxError

    bool identical() const { return mismatch.empty() && differing == 0; }
    /// No sample further off than `tolerance`, none finite in one picture alone.
    bool within(double tolerance) const {
        return mismatch.empty() && notFinite == 0 && maxError <= tolerance;
    }
};

struct CompareOptions {
    std::vector<std::string> channels;  ///< empty: all, which both must have
    double peak = 1;                    ///< of the PSNR, linear
};

/// Compares over the data window; NaN against NaN and equal infinities count as equal. Channels may
/// be in another order.
Comparison compareFrames(const Frame& a, const Frame& b, const CompareOptions& options = {});

/// One grey picture over a's data window: the greatest absolute difference of a pixel's channels.
/// The frames must have matched.
Frame differenceMap(const Frame& a, const Frame& b);

}  // namespace derrumbe::image
