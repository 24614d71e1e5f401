#include <cmath>
#include <numbers>

#include "model/sampling/sampler.h"
#include "support/philox.h"

namespace derrumbe::model {

namespace {

/// 53 bits of two words as a number in (0, 1), never 0.
double unit(uint32_t high, uint32_t low) {
    const uint64_t bits = (uint64_t{high} << 32 | low) >> 11;
    return (static_cast<double>(bits) + 0.5) * 0x1p-53;
}

/// Box and Muller 1958, its cosine half. In double, rounded once, so that a last bit of the maths
/// library hardly ever shows.
float normal(const Philox4& words) {
    const double radius = std::sqrt(-2 * std::log(unit(words[0], words[1])));
    return static_cast<float>(radius * std::cos(2 * std::numbers::pi * unit(words[2], words[3])));
}

}  // namespace

at::Tensor counterNoise(std::uint64_t seed, int firstFrame, int channels, int frames, int height,
                        int width) {
    at::Tensor noise = at::empty({1, channels, frames, height, width}, at::kFloat);
    float* value = noise.mutable_data_ptr<float>();
    const std::array<uint32_t, 2> key{static_cast<uint32_t>(seed),
                                      static_cast<uint32_t>(seed >> 32)};
    for (int channel = 0; channel < channels; ++channel) {
        for (int frame = 0; frame < frames; ++frame) {
            // Negative frames (references) wrap to the counter's far end.
            const auto time = static_cast<uint32_t>(firstFrame + frame);
            for (int y = 0; y < height; ++y) {
                for (int x = 0; x < width; ++x) {
                    *value++ = normal(philox({static_cast<uint32_t>(x), static_cast<uint32_t>(y),
                                              static_cast<uint32_t>(channel), time},
                                             key));
                }
            }
        }
    }
    return noise;
}

}  // namespace derrumbe::model
