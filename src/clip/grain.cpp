#include "clip/grain.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "support/error.h"
#include "support/philox.h"

namespace derrumbe::clip {
namespace {

/// Light below this is one level: 2^-10 of a diffuse white of 1.
constexpr double darkest = 1.0 / 1024;

/// A channel's sigma by the logarithm of light, in steps of a thirty-second of a stop.
class SigmaTable {
  public:
    SigmaTable(const Grain& grain, int channel) {
        for (int i = 0; i < size; ++i)
            sigma_[i] = static_cast<float>(grain.sigma(channel, darkest * std::exp2(i / steps)));
    }
    float at(float light) const {
        // A light that is no number has the darkest's grain.
        const float place = std::log2(std::max(1.f, light / static_cast<float>(darkest))) * steps;
        return sigma_[static_cast<int>(std::floor(std::min(place, size - 1.f) + 0.5f))];
    }

  private:
    static constexpr float steps = 32;
    static constexpr int size = 26 * 32;  // to 2^16: beyond half's range
    std::array<float, size> sigma_;
};

/// Box and Muller 1958: two normal numbers of two words.
void normals(uint32_t first, uint32_t second, double* out) {
    const double radius = std::sqrt(-2 * std::log((first + 0.5) * 0x1p-32));
    const double angle = 2 * std::numbers::pi * (second + 0.5) * 0x1p-32;
    out[0] = radius * std::cos(angle);
    out[1] = radius * std::sin(angle);
}

/// Three planes of correlated white noise over a window, one after the other.
std::vector<float> whiteNoise(const Grain& grain, const Window& window, std::uint64_t seed,
                              int frame) {
    // Another stream than the sampler's noise of the same seed, whose key this one's never is.
    const std::array<uint32_t, 2> key{static_cast<uint32_t>(seed),
                                      static_cast<uint32_t>(seed >> 32)};
    constexpr uint32_t stream = 0x67726e31;
    const size_t plane = static_cast<size_t>(window.width) * window.height;
    std::vector<float> noise(3 * plane);
    size_t i = 0;
    for (int y = window.y; y < window.bottom(); ++y)
        for (int x = window.x; x < window.right(); ++x, ++i) {
            const Philox4 words = philox({static_cast<uint32_t>(x), static_cast<uint32_t>(y),
                                          stream, static_cast<uint32_t>(frame)},
                                         key);
            double white[4];
            normals(words[0], words[1], white);
            normals(words[2], words[3], white + 2);
            for (int c = 0; c < 3; ++c) {
                double sum = 0;
                for (int other = 0; other <= c; ++other) sum += grain.mix[c][other] * white[other];
                noise[c * plane + i] = static_cast<float>(sum);
            }
        }
    return noise;
}

void check(bool holds) {
    if (!holds) throw Error(ExitCode::Internal, "addGrain: the pictures differ");
}

}  // namespace

double Grain::sigma(int channel, double light) const {
    const std::vector<Level>& levels = channels[channel].levels;
    if (levels.empty()) return 0;
    const auto place = [](double value) { return std::log2(std::max(value, darkest)); };
    const double at = place(light);
    const auto above = std::find_if(levels.begin(), levels.end(),
                                    [&](const Level& level) { return place(level.light) >= at; });
    if (above == levels.begin()) return above->sigma;
    if (above == levels.end()) return levels.back().sigma;
    const Level& below = *(above - 1);
    const double part =
        (at - place(below.light)) / std::max(place(above->light) - place(below.light), 1e-9);
    return below.sigma + part * (above->sigma - below.sigma);
}

bool Grain::any() const {
    for (const Channel& channel : channels)
        for (const Level& level : channel.levels)
            if (level.sigma > 0) return true;
    return false;
}

void addGrain(Frame& picture, const Grain& grain, std::uint64_t seed, int frame,
              const Frame& kept) {
    if (!grain.any()) return;
    check(picture.channelCount() == 3);
    check(kept.pixels.empty() || (kept.data == picture.data && kept.channelCount() == 1));
    const Window& to = picture.data;
    const Window from = {to.x - grainReach, to.y - grainReach, to.width + 2 * grainReach,
                         to.height + 2 * grainReach};
    const std::vector<float> noise = whiteNoise(grain, from, seed, frame);
    const size_t plane = static_cast<size_t>(from.width) * from.height;
    for (int c = 0; c < 3; ++c) {
        const SigmaTable sigmas(grain, c);
        const auto& kernel = grain.channels[c].kernel;
        for (int y = 0; y < to.height; ++y)
            for (int x = 0; x < to.width; ++x) {
                const size_t pixel = static_cast<size_t>(y) * to.width + x;
                const float own = kept.pixels.empty() ? 0.f : kept.pixels[pixel];
                float& value = picture.pixels[pixel * 3 + c];
                if (!(own < 1) || !std::isfinite(value)) continue;
                const float* corner =
                    noise.data() + c * plane + static_cast<size_t>(y) * from.width + x;
                float sum = 0;
                for (int dy = 0; dy < grainSpan; ++dy)
                    for (int dx = 0; dx < grainSpan; ++dx)
                        sum += kernel[dy * grainSpan + dx] *
                               corner[static_cast<size_t>(dy) * from.width + dx];
                const float amount = std::sqrt(1 - std::max(own, 0.f) * std::max(own, 0.f));
                value =
                    std::max(value + sum * amount * sigmas.at(value), std::min(value, grain.floor));
            }
    }
}

}  // namespace derrumbe::clip
