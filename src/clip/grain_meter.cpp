#include "clip/grain_meter.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "clip/grain_spectrum.h"
#include "support/error.h"

namespace derrumbe::clip {
namespace {

constexpr int largestSide = 32;
constexpr double mostBlocks = 1500;
/// Blocks of one level that say something of it, over all frames.
constexpr double leastBlocks = 4;
/// Blocks a channel and frame whose autocorrelation is taken: enough for a thousandth.
constexpr size_t mostLagBlocks = 200;

/// Below so many pixels across, blocks are half as large: hardly any flat one would be found.
constexpr int smallPlate = 256;
/// Darker than this says nothing of what is brighter: shadows are often crushed or denoised.
constexpr double darkestBound = 1.0 / 128;

/// A square block of pixels, row by row.
struct Residual {
    int side = largestSide;
    std::array<float, largestSide * largestSide> values;

    int area() const { return side * side; }
    float& at(int x, int y) { return values[static_cast<size_t>(y) * side + x]; }
    double at(int x, int y) const { return values[static_cast<size_t>(y) * side + x]; }
};

/// The least and the greatest value of a channel.
struct Range {
    float least = std::numeric_limits<float>::infinity(), greatest = -least;
};

std::array<Range, 3> rangesOf(const Frame& frame) {
    std::array<Range, 3> ranges;
    for (size_t i = 0; i < frame.pixels.size(); ++i) {
        Range& range = ranges[i % 3];
        range.least = std::min(range.least, frame.pixels[i]);
        range.greatest = std::max(range.greatest, frame.pixels[i]);
    }
    return ranges;
}

/// Takes the mean and the slopes out; returns the mean.
double withoutPlane(Residual& block) {
    const int side = block.side;
    const double middle = (side - 1) / 2.0;
    double sum = 0, sumX = 0, sumY = 0;
    for (int y = 0; y < side; ++y)
        for (int x = 0; x < side; ++x) {
            const double value = block.at(x, y);
            sum += value;
            sumX += value * (x - middle);
            sumY += value * (y - middle);
        }
    const double squares = block.area() * (double(side) * side - 1) / 12;  // of x - middle
    const double mean = sum / block.area(), slopeX = sumX / squares, slopeY = sumY / squares;
    for (int y = 0; y < side; ++y)
        for (int x = 0; x < side; ++x)
            block.at(x, y) -=
                static_cast<float>(mean + slopeX * (x - middle) + slopeY * (y - middle));
    return mean;
}

/// The least variance of a block's four quarters, each around its own plane: that of the whole
/// block runs across an edge, and would leave its slope in what is flat on both sides.
double calmestQuarter(const Residual& block) {
    const int half = block.side / 2;
    const double count = half * half, middle = (half - 1) / 2.0;
    const double spread = count * (double(half) * half - 1) / 12;  // squares of x - middle
    double least = std::numeric_limits<double>::infinity();
    for (const int top : {0, half})
        for (const int left : {0, half}) {
            double sum = 0, sumX = 0, sumY = 0, squares = 0;
            for (int y = 0; y < half; ++y)
                for (int x = 0; x < half; ++x) {
                    const double value = block.at(left + x, top + y);
                    sum += value;
                    sumX += value * (x - middle);
                    sumY += value * (y - middle);
                    squares += value * value;
                }
            const double plane = sum * sum / count + (sumX * sumX + sumY * sumY) / spread;
            least = std::min(least, (squares - plane) / count);
        }
    return least;
}

double meanProduct(const Residual& a, const Residual& b) {
    double sum = 0;
    for (int i = 0; i < a.area(); ++i) sum += double(a.values[i]) * b.values[i];
    return sum / a.area();
}

/// Mean product of pixels that lie (dx, dy) apart.
double lagProduct(const Residual& block, int dx, int dy) {
    double sum = 0;
    const int left = std::max(0, -dx), right = std::min(block.side, block.side - dx);
    for (int y = 0; y < block.side - dy; ++y)
        for (int x = left; x < right; ++x) sum += block.at(x, y) * block.at(x + dx, y + dy);
    return sum / (double(block.side - dy) * (right - left));
}

bool touches(const Matte& matte, int left, int top, int side) {
    for (int y = top; y < top + side; ++y)
        for (int x = left; x < left + side; ++x)
            if (matte.at(x, y) > 0) return true;
    return false;
}

}  // namespace

struct GrainMeter::Block {
    std::array<Residual, 3> residual;
    std::array<double, 3> light, variance;
    std::array<bool, 3> leftOut{}, flat{};

    void setSide(int side) {
        for (Residual& one : residual) one.side = side;
    }
    void measure(int channel, bool clipped) {
        constexpr double mostUneven = 3;
        variance[channel] = meanProduct(residual[channel], residual[channel]);
        leftOut[channel] =
            clipped || variance[channel] > mostUneven * calmestQuarter(residual[channel]);
    }
};

int GrainMeter::levelOf(double light) {
    const double place = 2 * std::log2(std::max(light, 0x1p-10)) + 20;
    return std::clamp(static_cast<int>(place), 0, levels - 1);
}

void GrainMeter::add(const Frame& light, const Matte* changing, const Frame* before) {
    if (before != nullptr && !(before->data == light.data))
        throw Error(ExitCode::Internal, "GrainMeter: the frames differ in size");
    if (side_ == 0)
        side_ = light.data.width >= smallPlate && light.data.height >= smallPlate ? largestSide
                                                                                  : largestSide / 2;
    const int side = side_;
    const int stride = std::max(
        side / 2,
        static_cast<int>(std::sqrt(double(light.data.width) * light.data.height / mostBlocks)));
    const std::array<Range, 3> ranges = rangesOf(light);
    std::vector<Block> space, time;
    const auto block = [&](int left, int top) {
        Block here, there;
        here.setSide(side), there.setSide(side);
        for (int c = 0; c < 3; ++c) {
            int atLeast = 0, atGreatest = 0;
            for (int y = 0; y < side; ++y)
                for (int x = 0; x < side; ++x) {
                    const float value = light.at(left + x, top + y)[c];
                    atLeast += value == ranges[c].least;
                    atGreatest += value == ranges[c].greatest;
                    least_ = std::min(least_, value);
                    here.residual[c].at(x, y) = value;
                    if (before != nullptr)
                        there.residual[c].at(x, y) = (value - before->at(left + x, top + y)[c]) *
                                                     std::numbers::sqrt2_v<float> / 2;
                }
            here.light[c] = there.light[c] = withoutPlane(here.residual[c]);
            const bool clipped = std::max(atLeast, atGreatest) > side * side / 100;
            here.measure(c, clipped);
            if (before == nullptr) continue;
            withoutPlane(there.residual[c]);
            there.measure(c, clipped);
        }
        space.push_back(here);
        if (before != nullptr) time.push_back(there);
    };
    for (int top = light.data.y; top + side <= light.data.bottom(); top += stride)
        for (int left = light.data.x; left + side <= light.data.right(); left += stride)
            if (changing == nullptr || !touches(*changing, left, top, side)) block(left, top);
    haveTime_ = haveTime_ || !time.empty();
    addTo(inSpace_, std::move(space));
    addTo(inTime_, std::move(time));
}

void GrainMeter::addTo(Statistics& statistics, std::vector<Block> blocks) {
    for (int c = 0; c < 3; ++c) {
        std::array<std::vector<double>, levels> variances;
        for (const Block& block : blocks)
            if (!block.leftOut[c]) variances[levelOf(block.light[c])].push_back(block.variance[c]);
        std::array<double, levels> most;
        most.fill(-1);
        for (int level = 0; level < levels; ++level) {
            if (variances[level].empty()) continue;
            const auto fifth =
                variances[level].begin() + static_cast<std::ptrdiff_t>(variances[level].size() / 5);
            std::nth_element(variances[level].begin(), fifth, variances[level].end());
            most[level] = 1.5 * *fifth;
        }
        size_t flat = 0;
        for (Block& block : blocks) {
            const int level = levelOf(block.light[c]);
            block.flat[c] = !block.leftOut[c] && block.variance[c] <= most[level];
            if (!block.flat[c]) continue;
            ++flat;
            Level& sums = statistics.byLevel[c][level];
            ++sums.blocks;
            sums.light += block.light[c];
            sums.variance += block.variance[c];
        }
        const size_t every = std::max<size_t>(1, flat / mostLagBlocks);
        size_t count = 0;
        for (const Block& block : blocks) {
            if (!block.flat[c] || !(block.variance[c] > 0) || count++ % every != 0) continue;
            ++statistics.lagBlocks[c];
            for (int dy = 0; dy <= grainReach; ++dy)
                for (int dx = -grainReach; dx <= grainReach; ++dx) {
                    if (dy == 0 && dx < 0) continue;
                    const double part = lagProduct(block.residual[c], dx, dy) / block.variance[c];
                    const int middle = grainReach * grainSpan + grainReach;
                    statistics.lag[c][middle + dy * grainSpan + dx] += part;
                    if (dy != 0 || dx != 0) statistics.lag[c][middle - dy * grainSpan - dx] += part;
                }
        }
    }
    for (int c = 0; c < 3; ++c)
        for (int other = 0; other < c; ++other)
            for (const Block& block : blocks) {
                const double scale = block.variance[c] * block.variance[other];
                if (!block.flat[c] || !block.flat[other] || !(scale > 0)) continue;
                ++statistics.crossBlocks[c][other];
                statistics.cross[c][other] +=
                    meanProduct(block.residual[c], block.residual[other]) / std::sqrt(scale);
            }
}

const GrainMeter::Statistics& GrainMeter::closest() const {
    return haveTime_ ? inTime_ : inSpace_;
}

void GrainMeter::bound(std::vector<Grain::Level>& levels) {
    for (size_t i = 1; i < levels.size(); ++i)
        if (levels[i - 1].light >= darkestBound)
            levels[i].sigma = std::min(levels[i].sigma,
                                       levels[i - 1].sigma * levels[i].light / levels[i - 1].light);
    for (size_t i = levels.size(); i-- > 1;)
        levels[i - 1].sigma = std::min(levels[i - 1].sigma, levels[i].sigma);
}

void GrainMeter::measureChannel(Grain& grain, int channel) const {
    const Statistics& statistics = closest();
    std::array<double, lags> correlation{};
    correlation[lags / 2] = 1;
    const int area = side_ * side_;
    double taken = area > 0 ? 3.0 / area : 0;  // of the variance, by the plane
    if (const double blocks = statistics.lagBlocks[channel]; blocks > 0) {
        // Measured is q = (rho - b) / (1 - b), where the plane takes b = 3 S / n along, S the sum
        // of the correlations rho; solved for S by the sum of q.
        double sum = 0;
        for (int i = 0; i < lags; ++i) {
            correlation[i] = statistics.lag[channel][i] / blocks;
            sum += correlation[i];
        }
        const double whole = sum / (1 - 3.0 * lags / area + 3 * sum / area);
        taken = std::clamp(3 * whole / area, 0.0, 0.25);
        for (double& value : correlation) value = value * (1 - taken) + taken;
    }
    grain.channels[channel].kernel = kernelFor(correlation);
    for (int level = 0; level < levels; ++level) {
        const Level& space = inSpace_.byLevel[channel][level];
        const Level& time = inTime_.byLevel[channel][level];
        if (space.blocks < leastBlocks) continue;
        double variance = space.variance / space.blocks;
        if (time.blocks >= leastBlocks) variance = std::min(variance, time.variance / time.blocks);
        grain.channels[channel].levels.push_back(
            {space.light / space.blocks, std::sqrt(variance / (1 - taken))});
    }
    bound(grain.channels[channel].levels);
}

Grain GrainMeter::grain() const {
    Grain grain;
    grain.floor = least_;
    std::array<std::array<double, 3>, 3> correlation{};
    const Statistics& statistics = closest();
    for (int c = 0; c < 3; ++c) {
        measureChannel(grain, c);
        correlation[c][c] = 1;
        for (int other = 0; other < c; ++other)
            if (const double blocks = statistics.crossBlocks[c][other]; blocks > 0)
                correlation[c][other] = statistics.cross[c][other] / blocks;
    }
    grain.mix = mixFor(correlation);
    return grain;
}

}  // namespace derrumbe::clip
