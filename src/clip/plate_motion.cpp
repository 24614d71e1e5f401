#include "clip/plate_motion.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "clip/block_match.h"
#include "clip/smooth.h"
#include "support/error.h"
#include "support/in_parallel.h"

namespace derrumbe::clip {
namespace {

constexpr int kStep = 8, kReach = 4, kSearch = 2 * kReach + 1;
constexpr int kLongest = 288;

/// Variances, of the [-1, 1] range and summed over R, G, B. What is less than the noise of a VAE
/// is no structure (0.02: 2.5 steps of 8 bits); twice that counts as half a texture.
constexpr float kNoise = 3 * 0.02f * 0.02f, kTexture = 3 * 0.04f * 0.04f;

/// A block of the plate and where it was found.
struct Vote {
    double x = 0, y = 0, weight = 0;
};

class Follower {
  public:
    Follower(int height, int width)
        : height_(height),
          width_(width),
          rows_(std::max(1, (height - kBlock) / kStep + 1)),
          columns_(std::max(1, (width - kBlock) / kStep + 1)),
          nodes_(static_cast<size_t>(rows_) * columns_),
          spread_(0.2 * std::max(height, width)),
          offset_(2 * nodes_),
          speed_(2 * nodes_) {}

    int rows() const { return rows_; }
    int columns() const { return columns_; }
    const std::vector<float>& offsets() const { return offset_; }

    /// The next frame. `mask`, `[height][width]`: where the plate may have changed.
    void follow(const Planes& generated, const Planes& plate, const std::vector<float>& mask,
                int workers) {
        std::vector<float> expected(2 * nodes_);
        for (size_t i = 0; i < expected.size(); ++i) expected[i] = offset_[i] + speed_[i];
        const Planes moved = moveBack(generated, expected);
        std::vector<Vote> votes(nodes_);
        inParallel(rows_, workers, [&](int row) {
            for (int column = 0; column < columns_; ++column) {
                const size_t node = static_cast<size_t>(row) * columns_ + column;
                votes[node] = vote(generated, moved, plate, mask, row, column,
                                   {expected[node], expected[nodes_ + node]});
            }
        });
        agree(votes, expected, workers);
    }

    /// A frame of which nothing may be said, as one that a keyframe stands for.
    void goOn() {
        for (size_t i = 0; i < offset_.size(); ++i) offset_[i] += speed_[i];
    }

  private:
    float between(const std::vector<float>& field, int axis, int x, int y) const {
        return bilinear(field.data() + static_cast<size_t>(axis) * nodes_, rows_, columns_,
                        (static_cast<float>(x) - kHalfBlock) / kStep,
                        (static_cast<float>(y) - kHalfBlock) / kStep);
    }

    /// The generated picture with what moved where it stood in the plate. What went out of the
    /// picture is NaN.
    Planes moveBack(const Planes& generated, const std::vector<float>& field) const {
        Planes moved{height_, width_, {}};
        for (std::vector<float>& plane : moved.values)
            plane.assign(static_cast<size_t>(height_) * width_, std::nanf(""));
        for (int y = 0; y < height_; ++y)
            for (int x = 0; x < width_; ++x) {
                const float toX = static_cast<float>(x) + between(field, 0, x, y);
                const float toY = static_cast<float>(y) + between(field, 1, x, y);
                if (!holds(height_, width_, toX, toY)) continue;
                for (int c = 0; c < 3; ++c)
                    moved.values[c][static_cast<size_t>(y) * width_ + x] =
                        bilinear(generated.values[c].data(), height_, width_, toX, toY);
            }
        return moved;
    }

    Vote vote(const Planes& generated, const Planes& moved, const Planes& plate,
              const std::vector<float>& mask, int row, int column,
              std::array<float, 2> expected) const {
        const int x = kHalfBlock + column * kStep, y = kHalfBlock + row * kStep;
        Vote vote{expected[0], expected[1], 0};
        if (!plate.holdsBlock(x, y)) return vote;
        float free = 0;
        for (int dy = -kHalfBlock; dy <= kHalfBlock; ++dy)
            for (int dx = -kHalfBlock; dx <= kHalfBlock; ++dx)
                free += mask[static_cast<size_t>(y + dy) * width_ + x + dx];
        if (free <= 0.6f * kBlockPixels) return vote;
        const Block block = blockAt(plate, x, y);
        // A little less for what lies far from where it is expected: facades repeat themselves.
        constexpr float pull = 0.05f / (kReach * kReach);
        std::array<Match, kSearch * kSearch> found{};
        std::array<float, kSearch * kSearch> scores{};
        for (int dy = -kReach; dy <= kReach; ++dy)
            for (int dx = -kReach; dx <= kReach; ++dx) {
                const int i = (dy + kReach) * kSearch + dx + kReach;
                if (plate.holdsBlock(x + dx, y + dy))
                    found[i] = match(block, moved, x + dx, y + dy);
                scores[i] = found[i].correlation - pull * static_cast<float>(dx * dx + dy * dy);
            }
        const auto best =
            static_cast<int>(std::max_element(scores.begin(), scores.end()) - scores.begin());
        const int bestX = best % kSearch, bestY = best / kSearch;
        if (bestX == 0 || bestY == 0 || bestX == kSearch - 1 || bestY == kSearch - 1) return vote;
        const std::array<float, 2> between =
            withinPixel(block, moved, x + bestX - kReach, y + bestY - kReach);
        vote.x += static_cast<float>(bestX - kReach) + between[0];
        vote.y += static_cast<float>(bestY - kReach) + between[1];
        const auto part = [](float value) { return std::clamp(value, 0.f, 1.f); };
        const Match there = found[best];
        const float still = match(block, generated, x, y).correlation;
        const float sure = part((there.correlation - 0.4f) / 0.4f);
        const float went = part((there.correlation - std::max(still, 0.f)) / 0.1f);
        vote.weight = sure * sure * went * there.variance / (there.variance + kNoise) *
                      block.variance / (block.variance + kTexture);
        return vote;
    }

    /// Affine fields around the nodes, by those votes that agree.
    void agree(const std::vector<Vote>& votes, const std::vector<float>& expected, int workers) {
        std::vector<double> weights(nodes_);
        for (size_t i = 0; i < nodes_; ++i) weights[i] = votes[i].weight;
        std::vector<float> fitted = expected;
        constexpr int rounds = 4;
        for (int round = 0; round < rounds; ++round) {
            inParallel(rows_, workers, [&](int row) {
                for (int column = 0; column < columns_; ++column)
                    fit(votes, weights, expected, row, column, fitted);
            });
            for (size_t i = 0; i < nodes_; ++i) {
                const double dx = votes[i].x - fitted[i], dy = votes[i].y - fitted[nodes_ + i];
                const double trust = 1 / (1 + dx * dx + dy * dy);  // a pixel apart: a quarter
                weights[i] = votes[i].weight * trust * trust;
            }
        }
        double sum = 0;
        for (const double weight : weights) sum += weight;
        // Few votes make no new pace.
        const auto kept = static_cast<float>(std::min(1.0, sum / 3));
        for (size_t i = 0; i < fitted.size(); ++i) speed_[i] = kept * (fitted[i] - offset_[i]);
        offset_ = std::move(fitted);
    }

    /// Weighted least squares of offset + gradient * distance, with a pull to what is expected (as
    /// a third of a vote) and to no gradient.
    void fit(const std::vector<Vote>& votes, const std::vector<double>& weights,
             const std::vector<float>& expected, int row, int column,
             std::vector<float>& fitted) const {
        const size_t node = static_cast<size_t>(row) * columns_ + column;
        double n = 0, u = 0, v = 0, uu = 0, uv = 0, vv = 0;
        std::array<std::array<double, 3>, 2> right{};
        for (int r = 0; r < rows_; ++r)
            for (int c = 0; c < columns_; ++c) {
                const size_t other = static_cast<size_t>(r) * columns_ + c;
                if (!(weights[other] > 0)) continue;
                const double du = kStep * (c - column) / spread_, dv = kStep * (r - row) / spread_;
                const double w = weights[other] * std::exp(-0.5 * (du * du + dv * dv));
                n += w;
                u += w * du;
                v += w * dv;
                uu += w * du * du;
                uv += w * du * dv;
                vv += w * dv * dv;
                const std::array<double, 2> found{votes[other].x, votes[other].y};
                for (int axis = 0; axis < 2; ++axis) {
                    right[axis][0] += w * found[axis];
                    right[axis][1] += w * found[axis] * du;
                    right[axis][2] += w * found[axis] * dv;
                }
            }
        constexpr double prior = 0.3, stiff = 0.02;
        const double a = n + prior, d = uu + stiff * n + prior, f = vv + stiff * n + prior;
        // Cramer's rule: symmetric, positive definite.
        const double minor = d * f - uv * uv;
        const double det = a * minor - u * (u * f - v * uv) + v * (u * uv - v * d);
        for (int axis = 0; axis < 2; ++axis) {
            const double b =
                right[axis][0] + prior * expected[static_cast<size_t>(axis) * nodes_ + node];
            fitted[static_cast<size_t>(axis) * nodes_ + node] =
                static_cast<float>((b * minor + right[axis][1] * (v * uv - u * f) +
                                    right[axis][2] * (u * uv - v * d)) /
                                   det);
        }
    }

    int height_, width_, rows_, columns_;
    size_t nodes_;
    double spread_;
    std::vector<float> offset_, speed_;  // [2][rows][columns]
};

/// Over time by a filter that leaves parabolas as they are, for such are falls (Savitzky and Golay,
/// "Smoothing and Differentiation of Data by Simplified Least Squares Procedures", Analytical
/// Chemistry 36, 1964: seven points, quadratic). The first and last three frames stay.
void steady(PlateMotion& motion) {
    constexpr std::array<float, 7> taps = {-2.f / 21, 3.f / 21, 6.f / 21, 7.f / 21,
                                           6.f / 21,  3.f / 21, -2.f / 21};
    const size_t nodes = static_cast<size_t>(2) * motion.rows * motion.columns;
    const std::vector<float> found = motion.offsets;
    for (int frame = 3; frame + 3 < motion.frames; ++frame)
        for (size_t i = 0; i < nodes; ++i) {
            float sum = 0;
            for (int k = 0; k < 7; ++k)
                sum += taps[k] * found[static_cast<size_t>(frame + k - 3) * nodes + i];
            motion.offsets[static_cast<size_t>(frame) * nodes + i] = sum;
        }
}

}  // namespace

const float* PlateMotion::offsetsAt(int frame, int axis) const {
    return offsets.data() + (static_cast<size_t>(frame) * 2 + axis) * rows * columns;
}

float PlateMotion::most(int frame) const {
    float most = 0;
    const float *x = offsetsAt(frame, 0), *y = offsetsAt(frame, 1);
    for (int i = 0; i < rows * columns; ++i) most = std::max(most, std::hypot(x[i], y[i]));
    return most;
}

PlateMotion followPlate(const Clip& generated, const Clip& reconstruction, const ClipMask& mask,
                        int workers) {
    if (generated.frames != reconstruction.frames || generated.height != reconstruction.height ||
        generated.width != reconstruction.width || mask.frames != generated.frames ||
        mask.height != generated.height || mask.width != generated.width)
        throw Error(ExitCode::Internal, "followPlate: the clips differ in size");
    const int longest = std::max(generated.height, generated.width);
    const int factor = (longest + kLongest - 1) / kLongest;
    const int height = generated.height / factor, width = generated.width / factor;
    Follower follower(height, width);
    PlateMotion motion{generated.frames,
                       generated.height,
                       generated.width,
                       follower.rows(),
                       follower.columns(),
                       (kHalfBlock + 0.5f) * static_cast<float>(factor) - 0.5f,
                       static_cast<float>(kStep * factor),
                       {}};
    motion.offsets.reserve(follower.offsets().size() * generated.frames);
    bool begun = false;
    for (int frame = 0; frame < generated.frames; ++frame) {
        std::vector<float> free(static_cast<size_t>(height) * width);
        for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x)
                free[static_cast<size_t>(y) * width + x] =
                    mask.plane(frame)[static_cast<size_t>(y * factor + factor / 2) * mask.width +
                                      x * factor + factor / 2];
        const bool seen = std::any_of(free.begin(), free.end(), [](float m) { return m > 0.5f; });
        begun = begun || seen;
        if (begun && !seen)
            follower.goOn();
        else if (begun)
            follower.follow(planesToMatch(generated, frame, factor),
                            planesToMatch(reconstruction, frame, factor), free, workers);
        for (const float offset : follower.offsets())
            motion.offsets.push_back(offset * static_cast<float>(factor));
    }
    steady(motion);
    return motion;
}

SourcePlaces sourcePlaces(const PlateMotion& motion, int frame) {
    const size_t size = static_cast<size_t>(motion.height) * motion.width;
    SourcePlaces places;
    for (std::vector<float>* plane : {&places.x, &places.y, &places.speedX, &places.speedY})
        plane->resize(size);
    const int before = std::max(0, frame - 1);
    const auto offset = [&](int at, int axis, float x, float y) {
        return bilinear(motion.offsetsAt(at, axis), motion.rows, motion.columns,
                        (x - motion.first) / motion.step, (y - motion.first) / motion.step);
    };
    for (int row = 0; row < motion.height; ++row)
        for (int column = 0; column < motion.width; ++column) {
            const auto x = static_cast<float>(column), y = static_cast<float>(row);
            float fromX = x, fromY = y;
            // Fixed point: the field changes slowly, by much less than a pixel a pixel.
            for (int round = 0; round < 6; ++round) {
                const float nextX = x - offset(frame, 0, fromX, fromY);
                fromY = y - offset(frame, 1, fromX, fromY);
                fromX = nextX;
            }
            const size_t i = static_cast<size_t>(row) * motion.width + column;
            places.x[i] = fromX;
            places.y[i] = fromY;
            places.speedX[i] = offset(frame, 0, fromX, fromY) - offset(before, 0, fromX, fromY);
            places.speedY[i] = offset(frame, 1, fromX, fromY) - offset(before, 1, fromX, fromY);
        }
    return places;
}

}  // namespace derrumbe::clip
