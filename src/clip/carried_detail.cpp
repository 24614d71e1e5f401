#include "clip/carried_detail.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "clip/smooth.h"
#include "support/error.h"
#include "support/in_parallel.h"

namespace derrumbe::clip {
namespace {

/// Variances of the [-1, 1] range, summed over R, G, B, below which there is no contrast to
/// compare: 0.03 is 4 steps of 8 bits, 0.01 for what is finer than 1.5 pixels.
constexpr float kFlat = 3 * 0.03f * 0.03f, kFlatFine = 3 * 0.01f * 0.01f;

/// Frames over which a model of latents that stand for four of them may smear what moves.
constexpr int kSmeared = 4;

/// Sums around a pixel are made of cells of so many pixels.
constexpr int kCell = 4;

using Plane = std::vector<float>;

void check(bool holds, const char* what) {
    if (!holds) throw Error(ExitCode::Internal, what);
}

/// Means of products over cells, low-passed, and back at any pixel.
class CellSums {
  public:
    CellSums(int height, int width, double sigma)
        : height_((height + kCell - 1) / kCell),
          width_((width + kCell - 1) / kCell),
          sigma_(sigma) {}

    Plane of(const Plane& values, int height, int width) const {
        Plane cells(static_cast<size_t>(height_) * width_);
        for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x)
                cells[static_cast<size_t>(y / kCell) * width_ + x / kCell] +=
                    values[static_cast<size_t>(y) * width + x];
        for (int y = 0; y < height_; ++y)
            for (int x = 0; x < width_; ++x)
                cells[static_cast<size_t>(y) * width_ + x] /= static_cast<float>(
                    std::min(kCell, height - y * kCell) * std::min(kCell, width - x * kCell));
        return gaussian(cells.data(), height_, width_, sigma_ / kCell);
    }
    float at(const Plane& cells, int x, int y) const {
        constexpr float middle = 0.5f * (kCell - 1);
        return bilinear(cells.data(), height_, width_, (static_cast<float>(x) - middle) / kCell,
                        (static_cast<float>(y) - middle) / kCell);
    }
    size_t size() const { return static_cast<size_t>(height_) * width_; }

  private:
    int height_, width_;
    double sigma_;
};

/// Of every cell: how much of the contrast of one picture the other has, and its share in that
/// one's own.
struct Likeness {
    Plane slope, explained;
};

Likeness likeness(const std::array<Plane, 3>& made, const std::array<Plane, 3>& known, int height,
                  int width, const CellSums& sums, float flat) {
    Plane together(sums.size()), own = together, theirs = together;
    Plane products(made[0].size());
    for (int c = 0; c < 3; ++c) {
        const Plane meanMade = sums.of(made[c], height, width),
                    meanKnown = sums.of(known[c], height, width);
        const auto add = [&](Plane& to, const Plane& a, const Plane& b, const Plane& meanA,
                             const Plane& meanB) {
            for (size_t i = 0; i < products.size(); ++i) products[i] = a[i] * b[i];
            const Plane mean = sums.of(products, height, width);
            for (size_t i = 0; i < to.size(); ++i) to[i] += mean[i] - meanA[i] * meanB[i];
        };
        add(together, made[c], known[c], meanMade, meanKnown);
        add(own, made[c], made[c], meanMade, meanMade);
        add(theirs, known[c], known[c], meanKnown, meanKnown);
    }
    Likeness like{Plane(sums.size()), Plane(sums.size())};
    for (size_t i = 0; i < together.size(); ++i) {
        const float same = std::max(together[i], 0.f);
        like.slope[i] = std::min(1.f, same / (std::max(theirs[i], 0.f) + flat));
        like.explained[i] =
            std::min(1.f, same * same /
                              ((std::max(own[i], 0.f) + flat) * (std::max(theirs[i], 0.f) + flat)));
    }
    return like;
}

/// One frame.
std::array<Plane, 3> planesOf(const Clip& clip, int frame) {
    std::array<Plane, 3> planes;
    for (int c = 0; c < 3; ++c) planes[c] = finitePlane(clip, c, frame);
    return planes;
}

std::array<Plane, 3> blurred(const std::array<Plane, 3>& planes, int height, int width,
                             double sigma) {
    std::array<Plane, 3> result;
    for (int c = 0; c < 3; ++c) result[c] = gaussian(planes[c].data(), height, width, sigma);
    return result;
}

/// The plate's way through the VAE where its things are now, the mean over so many frames of their
/// way.
std::array<Plane, 3> moved(const SourcePlaces& places, const Clip& reconstruction, int frame,
                           int smeared = 1) {
    std::array<Plane, 3> planes = planesOf(reconstruction, frame);
    for (Plane& plane : planes) {
        Plane result(plane.size());
        for (int k = 0; k < smeared; ++k) {
            const float along = static_cast<float>(k) - 0.5f * static_cast<float>(smeared - 1);
            for (size_t i = 0; i < result.size(); ++i)
                result[i] += bilinear(plane.data(), reconstruction.height, reconstruction.width,
                                      places.x[i] - along * places.speedX[i],
                                      places.y[i] - along * places.speedY[i]);
        }
        for (float& value : result) value /= static_cast<float>(smeared);
        plane = std::move(result);
    }
    return planes;
}

/// What a frame's pixels are worth, before they are steadied over time.
struct Worth {
    ClipMask sure, contrast, sharp;
};

void weigh(Worth& worth, const Clip& generated, const Clip& reconstruction, const ClipMask& mask,
           const ClipMask& still, const SourcePlaces& places, int frame) {
    const int height = generated.height, width = generated.width;
    const std::array<Plane, 3> made = planesOf(generated, frame),
                               known = moved(places, reconstruction, frame);
    const CellSums wide(height, width, 8), narrow(height, width, 6);
    const std::array<Plane, 3> madeLow = blurred(made, height, width, 2);
    Likeness coarse =
        likeness(madeLow, blurred(known, height, width, 2), height, width, wide, kFlat);
    const Likeness smeared =
        likeness(madeLow, blurred(moved(places, reconstruction, frame, kSmeared), height, width, 2),
                 height, width, wide, kFlat);
    for (size_t i = 0; i < coarse.slope.size(); ++i)
        if (smeared.explained[i] > coarse.explained[i]) {
            coarse.slope[i] = smeared.slope[i];
            coarse.explained[i] = smeared.explained[i];
        }
    const auto fine = [&](std::array<Plane, 3> planes) {
        const std::array<Plane, 3> low = blurred(planes, height, width, 1.5);
        for (int c = 0; c < 3; ++c)
            for (size_t i = 0; i < low[c].size(); ++i) planes[c][i] -= low[c][i];
        return planes;
    };
    const Likeness edges = likeness(fine(made), fine(known), height, width, narrow, kFlatFine);
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x) {
            const size_t i = static_cast<size_t>(y) * width + x;
            const float fromX = places.x[i], fromY = places.y[i];
            const float way =
                std::hypot(fromX - static_cast<float>(x), fromY - static_cast<float>(y));
            const float contrast = wide.at(coarse.slope, x, y);
            worth.contrast.plane(frame)[i] = contrast;
            worth.sharp.plane(frame)[i] =
                smoothStep(narrow.at(edges.slope, x, y), 0.4f * contrast, 0.9f * contrast + 1e-3f);
            worth.sure.plane(frame)[i] =
                holds(height, width, fromX, fromY)
                    ? smoothStep(wide.at(coarse.explained, x, y), 0.1f, 0.4f) *
                          std::clamp(way - 0.5f, 0.f, 1.f) *
                          bilinear(mask.plane(frame), height, width, fromX, fromY) *
                          (1 - std::clamp(still.plane(frame)[i], 0.f, 1.f))
                    : 0;
        }
}

/// The model's own detail goes, but for what it added to a picture that is as sharp as the plate's.
void takeOut(Clip& generated, const Clip& reconstruction, const Worth& worth,
             const SourcePlaces& places, int frame) {
    const int height = generated.height, width = generated.width;
    const std::array<Plane, 3> made = planesOf(generated, frame),
                               known = moved(places, reconstruction, frame);
    const std::array<Plane, 3> madeLow = blurred(made, height, width, kCarriedBand),
                               knownLow = blurred(known, height, width, kCarriedBand);
    const float *sure = worth.sure.plane(frame), *contrast = worth.contrast.plane(frame),
                *sharp = worth.sharp.plane(frame);
    for (int c = 0; c < 3; ++c)
        for (size_t i = 0; i < made[c].size(); ++i) {
            const float detail = made[c][i] - madeLow[c][i];
            const float plates = contrast[i] * (known[c][i] - knownLow[c][i]);
            generated.plane(c, frame)[i] -= sure[i] * (detail - sharp[i] * (detail - plates));
        }
}

/// Catmull-Rom's cubic (a = -1/2) at four pixels around a place between the second and the third.
std::array<float, 4> cubic(float t) {
    return {t * (-0.5f + t * (1 - 0.5f * t)), 1 + t * t * (-2.5f + 1.5f * t),
            t * (0.5f + t * (2 - 1.5f * t)), t * t * (-0.5f + 0.5f * t)};
}

/// R, G, B of the frame at x, y (window coordinates, middle of a pixel + 0.5); false outside.
bool sample(const Frame& frame, float x, float y, std::array<float, 3>& value) {
    const float left = x - 0.5f - static_cast<float>(frame.data.x),
                top = y - 0.5f - static_cast<float>(frame.data.y);
    if (!holds(frame.data.height, frame.data.width, left, top)) return false;
    const int column = static_cast<int>(std::floor(left)), row = static_cast<int>(std::floor(top));
    const std::array<float, 4> across = cubic(left - static_cast<float>(column)),
                               down = cubic(top - static_cast<float>(row));
    value = {};
    for (int dy = 0; dy < 4; ++dy) {
        const int fromY = std::clamp(row + dy - 1, 0, frame.data.height - 1);
        for (int dx = 0; dx < 4; ++dx) {
            const int fromX = std::clamp(column + dx - 1, 0, frame.data.width - 1);
            const float* pixel =
                frame.pixels.data() + (static_cast<size_t>(fromY) * frame.data.width + fromX) * 3;
            for (int c = 0; c < 3; ++c) value[c] += down[dy] * across[dx] * pixel[c];
        }
    }
    return true;
}

/// The part of what moves at x, y, bilinear.
float partAt(const Matte& front, float x, float y) {
    if (front.values.empty()) return 1;
    return bilinear(front.values.data(), front.window.height, front.window.width,
                    x - 0.5f - static_cast<float>(front.window.x),
                    y - 0.5f - static_cast<float>(front.window.y));
}

}  // namespace

float CarriedDetail::most(int frame) const {
    if (frame >= weight.frames) return 0;
    const float* values = weight.plane(frame);
    return *std::max_element(values, values + static_cast<size_t>(weight.height) * weight.width);
}

CarriedDetail carryDetail(Clip& generated, const Clip& reconstruction, const ClipMask& mask,
                          const ClipMask& still, int workers) {
    check(still.frames == generated.frames && still.height == generated.height &&
              still.width == generated.width,
          "carryDetail: the clips differ in size");
    CarriedDetail carried{followPlate(generated, reconstruction, mask, workers), {}};
    const PlateMotion& motion = carried.motion;
    std::vector<int> moving;
    for (int frame = 0; frame < generated.frames; ++frame)
        if (motion.most(frame) > 0.5f) moving.push_back(frame);
    if (moving.empty()) return carried;
    const ClipMask none{generated.frames, generated.height, generated.width,
                        Plane(still.values.size())};
    Worth worth{none, none, none};
    const auto each = [&](const auto& work) {
        inParallel(static_cast<int>(moving.size()), workers, [&](int i) {
            const int frame = moving[static_cast<size_t>(i)];
            work(frame, sourcePlaces(motion, frame));
        });
    };
    each([&](int frame, const SourcePlaces& places) {
        weigh(worth, generated, reconstruction, mask, still, places, frame);
    });
    for (ClipMask* steadied : {&worth.sure, &worth.contrast, &worth.sharp})
        smoothTime(*steadied, 2);
    each([&](int frame, const SourcePlaces& places) {
        takeOut(generated, reconstruction, worth, places, frame);
    });
    // Time has smeared them into frames in which nothing moved, and nothing was taken out.
    carried.weight = std::move(worth.sure);
    for (size_t i = 0; i < carried.weight.values.size(); ++i)
        carried.weight.values[i] *= worth.contrast.values[i];
    for (int frame = 0; frame < generated.frames; ++frame)
        if (!std::binary_search(moving.begin(), moving.end(), frame))
            std::fill_n(carried.weight.plane(frame), generated.planeSize(), 0.f);
    return carried;
}

std::vector<float> carriedBase(const SourcePlaces& places, const Clip& reconstruction, int frame) {
    std::vector<float> all;
    for (const Plane& plane : blurred(moved(places, reconstruction, frame), reconstruction.height,
                                      reconstruction.width, kCarriedBand))
        all.insert(all.end(), plane.begin(), plane.end());
    return all;
}

void addCarriedDetail(Frame& picture, const Frame& plate, const Frame& fields, const Frame& base,
                      const Matte& front) {
    check(picture.data == fields.data && picture.data == base.data && picture.channelCount() == 3 &&
              plate.channelCount() == 3 && fields.channelCount() == 5 && base.channelCount() == 3,
          "addCarriedDetail: the pictures differ in size or channels");
    for (size_t i = 0; i < picture.pixels.size() / 3; ++i) {
        const float* field = fields.pixels.data() + i * 5;
        const float weight = field[4];
        if (!(weight > CarriedDetail::kLeast)) continue;
        // Half a frame of the way, one sample a pixel.
        const float blurX = 0.5f * field[2], blurY = 0.5f * field[3];
        const int samples =
            std::clamp(static_cast<int>(std::ceil(std::hypot(blurX, blurY))), 1, 32);
        std::array<float, 3> sum{};
        float parts = 0;
        for (int k = 0; k < samples; ++k) {
            const float along = (static_cast<float>(k) + 0.5f) / static_cast<float>(samples) - 0.5f;
            // What comes here later is still before here now.
            const float x = field[0] - along * blurX, y = field[1] - along * blurY;
            std::array<float, 3> value{};
            if (!sample(plate, x, y, value)) continue;
            const float part = partAt(front, x, y);
            parts += part;
            for (int c = 0; c < 3; ++c) sum[c] += part * value[c];
        }
        for (int c = 0; c < 3; ++c) {
            float& code = picture.pixels[i * 3 + c];
            const float detail =
                (sum[c] - parts * base.pixels[i * 3 + c]) * weight / static_cast<float>(samples);
            const float to = std::clamp(code + detail, std::min(code, 0.f), std::max(code, 1.f));
            if (std::isfinite(to)) code = to;
        }
    }
}

}  // namespace derrumbe::clip
