#include "clip/plate_motion.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "clip/smooth.h"
#include "support/error.h"
#include "support/in_parallel.h"

namespace derrumbe::clip {
namespace {

constexpr int kBlock = 13, kHalf = kBlock / 2, kStep = 8, kReach = 4, kSearch = 2 * kReach + 1;
constexpr int kLongest = 288;

/// Variances, of the [-1, 1] range and summed over R, G, B. What is less than the noise of a VAE
/// is no structure (0.02: 2.5 steps of 8 bits); twice that counts as half a texture.
constexpr float kNoise = 3 * 0.02f * 0.02f, kTexture = 3 * 0.04f * 0.04f;

/// Three planes of one frame, as they are followed.
struct Planes {
    int height = 0, width = 0;
    std::array<std::vector<float>, 3> values;
};

/// One frame at 1 / `factor` of the size, means of whole pixels, low-passed by 1.4 pixels: a model's
/// picture is softer than what it is compared with. A sample that is no number counts as 0.
Planes planesOf(const Clip& clip, int frame, int factor) {
    Planes planes{clip.height / factor, clip.width / factor, {}};
    std::vector<float> line;
    for (int c = 0; c < 3; ++c) {
        const float* from = clip.plane(c, frame);
        std::vector<float>& to = planes.values[c];
        to.assign(static_cast<size_t>(planes.height) * planes.width, 0);
        for (int y = 0; y < planes.height * factor; ++y)
            for (int x = 0; x < planes.width * factor; ++x) {
                const float value = from[static_cast<size_t>(y) * clip.width + x];
                if (std::isfinite(value))
                    to[static_cast<size_t>(y / factor) * planes.width + x / factor] += value;
            }
        for (float& value : to) value /= static_cast<float>(factor * factor);
        smoothPlane(to.data(), planes.height, planes.width, 2, line);
    }
    return planes;
}

/// A block of the plate and where it was found.
struct Vote {
    double x = 0, y = 0, weight = 0;
};

/// A block of the plate, less its means.
struct Block {
    std::array<std::array<float, kBlock * kBlock>, 3> values{};
    float variance = 0;  ///< summed over the channels
};

constexpr float kBlockPixels = kBlock * kBlock;

/// Sums are kept for each column, so that the compiler adds whole lines at once.
float sumOf(const std::array<float, kBlock>& columns) {
    float sum = 0;
    for (const float column : columns) sum += column;
    return sum;
}

Block blockAt(const Planes& planes, int x, int y) {
    Block block;
    for (int c = 0; c < 3; ++c) {
        std::array<float, kBlock * kBlock>& values = block.values[c];
        float mean = 0;
        for (int dy = 0; dy < kBlock; ++dy)
            for (int dx = 0; dx < kBlock; ++dx) {
                const size_t at = static_cast<size_t>(y - kHalf + dy) * planes.width + x - kHalf + dx;
                mean += values[static_cast<size_t>(dy) * kBlock + dx] = planes.values[c][at];
            }
        mean /= kBlockPixels;
        for (float& value : values) {
            value -= mean;
            block.variance += value * value / kBlockPixels;
        }
    }
    return block;
}

/// How a block goes with a place of a picture: their correlation over all channels, and the variance
/// there, summed over them. -1 and 0 where the picture holds what is no number.
struct Match {
    float correlation = -1, variance = 0;
};

/// Of the picture around x, y. The block has to lie inside.
Match match(const Block& block, const Planes& made, int x, int y) {
    float together = 0, own = 0;
    for (int c = 0; c < 3; ++c) {
        std::array<float, kBlock> sum{}, squares{}, products{};
        for (int dy = 0; dy < kBlock; ++dy) {
            const float* line = made.values[c].data() +
                                static_cast<size_t>(y - kHalf + dy) * made.width + x - kHalf;
            const float* known = block.values[c].data() + static_cast<size_t>(dy) * kBlock;
            for (int dx = 0; dx < kBlock; ++dx) {
                sum[dx] += line[dx];
                squares[dx] += line[dx] * line[dx];
                products[dx] += line[dx] * known[dx];
            }
        }
        const float mean = sumOf(sum) / kBlockPixels;
        together += sumOf(products) / kBlockPixels;
        own += std::max(0.f, sumOf(squares) / kBlockPixels - mean * mean);
    }
    const float found = together / (std::sqrt(own * block.variance) + 1e-6f);
    return found > -1 ? Match{found, own} : Match{};
}

/// What is left of the way when a block is found to whole pixels: one step of Lucas and Kanade ("An
/// Iterative Image Registration Technique", IJCAI 1981), the block with the contrast that it has
/// there. At most a pixel; nothing at the picture's edge.
std::array<float, 2> withinPixel(const Block& block, const Planes& made, int x, int y) {
    if (x <= kHalf || y <= kHalf || x + kHalf + 1 >= made.width || y + kHalf + 1 >= made.height)
        return {0, 0};
    float xx = 0, xy = 0, yy = 0, right = 0, down = 0, together = 0, known = 1e-6f;
    const int width = made.width;
    const auto eachPixel = [&](const auto& work) {
        for (int c = 0; c < 3; ++c)
            for (int dy = 0; dy < kBlock; ++dy)
                for (int dx = 0; dx < kBlock; ++dx)
                    work(made.values[c].data() + static_cast<size_t>(y - kHalf + dy) * width + x -
                             kHalf + dx,
                         block.values[c][static_cast<size_t>(dy) * kBlock + dx], c);
    };
    std::array<float, 3> means{};
    eachPixel([&](const float* pixel, float value, int c) {
        means[c] += *pixel / kBlockPixels;
        together += *pixel * value;
        known += value * value;
    });
    const float contrast = together / known;
    eachPixel([&](const float* pixel, float value, int c) {
        const float alongX = 0.5f * (pixel[1] - pixel[-1]);
        const float alongY = 0.5f * (pixel[width] - pixel[-width]);
        const float away = contrast * value - (*pixel - means[c]);
        xx += alongX * alongX;
        xy += alongX * alongY;
        yy += alongY * alongY;
        right += alongX * away;
        down += alongY * away;
    });
    // An edge says nothing of the way along it.
    const float firm = 0.01f * (xx + yy) + 1e-6f;
    const float determinant = (xx + firm) * (yy + firm) - xy * xy;
    const float stepX = ((yy + firm) * right - xy * down) / determinant,
                stepY = ((xx + firm) * down - xy * right) / determinant;
    if (!std::isfinite(stepX) || !std::isfinite(stepY)) return {0, 0};
    return {std::clamp(stepX, -1.f, 1.f), std::clamp(stepY, -1.f, 1.f)};
}

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

private:
    float between(const std::vector<float>& field, int axis, int x, int y) const {
        return bilinear(field.data() + static_cast<size_t>(axis) * nodes_, rows_, columns_,
                        (static_cast<float>(x) - kHalf) / kStep,
                        (static_cast<float>(y) - kHalf) / kStep);
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

    bool holdsBlock(int x, int y) const {
        return x >= kHalf && y >= kHalf && x + kHalf < width_ && y + kHalf < height_;
    }

    Vote vote(const Planes& generated, const Planes& moved, const Planes& plate,
              const std::vector<float>& mask, int row, int column,
              std::array<float, 2> expected) const {
        const int x = kHalf + column * kStep, y = kHalf + row * kStep;
        Vote vote{expected[0], expected[1], 0};
        if (!holdsBlock(x, y)) return vote;
        float free = 0;
        for (int dy = -kHalf; dy <= kHalf; ++dy)
            for (int dx = -kHalf; dx <= kHalf; ++dx)
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
                if (holdsBlock(x + dx, y + dy)) found[i] = match(block, moved, x + dx, y + dy);
                scores[i] = found[i].correlation - pull * static_cast<float>(dx * dx + dy * dy);
            }
        const auto best = static_cast<int>(std::max_element(scores.begin(), scores.end()) - scores.begin());
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
        const float went = part((there.correlation - std::max(still, 0.f) + 0.05f) / 0.1f);
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

    /// Weighted least squares of offset + gradient * distance, with a pull to what is expected (as a
    /// third of a vote) and to no gradient.
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
            const double b = right[axis][0] +
                             prior * expected[static_cast<size_t>(axis) * nodes_ + node];
            fitted[static_cast<size_t>(axis) * nodes_ + node] = static_cast<float>(
                (b * minor + right[axis][1] * (v * uv - u * f) + right[axis][2] * (u * uv - v * d)) /
                det);
        }
    }

    int height_, width_, rows_, columns_;
    size_t nodes_;
    double spread_;
    std::vector<float> offset_, speed_;  // [2][rows][columns]
};

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
    PlateMotion motion{generated.frames, generated.height, generated.width, follower.rows(),
                       follower.columns(), (kHalf + 0.5f) * static_cast<float>(factor) - 0.5f,
                       static_cast<float>(kStep * factor), {}};
    motion.offsets.reserve(follower.offsets().size() * generated.frames);
    bool begun = false;
    for (int frame = 0; frame < generated.frames; ++frame) {
        std::vector<float> free(static_cast<size_t>(height) * width);
        for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x)
                free[static_cast<size_t>(y) * width + x] =
                    mask.plane(frame)[static_cast<size_t>(y * factor + factor / 2) * mask.width +
                                      x * factor + factor / 2];
        begun = begun || std::any_of(free.begin(), free.end(), [](float m) { return m > 0.5f; });
        if (begun)
            follower.follow(planesOf(generated, frame, factor),
                            planesOf(reconstruction, frame, factor), free, workers);
        for (const float offset : follower.offsets())
            motion.offsets.push_back(offset * static_cast<float>(factor));
    }
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
