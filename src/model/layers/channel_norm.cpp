#include "model/layers/channel_norm.h"

#include <ATen/Parallel.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

// The row kernel is compiled for several instruction sets and chosen when the program starts. The
// chooser runs before a sanitizer is ready, so sanitized builds take the plain one.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__)
#define DERRUMBE_VECTOR_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define DERRUMBE_VECTOR_CLONES
#endif

namespace derrumbe::model {

namespace {

constexpr float kSmallestNorm = 1e-12f;

/// e^x to about 1 ulp for x in [-87, 88] (clamped outside), without calls or branches so that
/// loops around it vectorise. Cephes' expf: range reduction by ln 2 in two parts, degree 6.
inline __attribute__((always_inline)) float exponential(float x) {
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to a whole number
    const float whole = (x * 1.44269504f + kRound) - kRound;
    const float rest = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
    float power = 1.9875691500e-4f;
    power = power * rest + 1.3981999507e-3f;
    power = power * rest + 8.3334519073e-3f;
    power = power * rest + 4.1665795894e-2f;
    power = power * rest + 1.6666665459e-1f;
    power = power * rest + 5.0000001201e-1f;
    power = power * rest * rest + rest + 1.0f;
    const auto exponent = static_cast<uint32_t>(static_cast<int32_t>(whole) + 127) << 23;
    return power * std::bit_cast<float>(exponent);
}

/// `rows` rows of `channels` values: out = silu(x / |x| * gain). In place is allowed.
DERRUMBE_VECTOR_CLONES
void siluRows(const float* x, const float* gain, float* out, int64_t rows, int64_t channels) {
    constexpr int64_t kLanes = 16;
    for (int64_t row = 0; row < rows; ++row, x += channels, out += channels) {
        float sums[kLanes] = {};
        int64_t c = 0;
        for (; c + kLanes <= channels; c += kLanes)
            for (int64_t lane = 0; lane < kLanes; ++lane) sums[lane] += x[c + lane] * x[c + lane];
        float sum = 0;
        for (; c < channels; ++c) sum += x[c] * x[c];
        for (int64_t lane = 0; lane < kLanes; ++lane) sum += sums[lane];
        const float norm = std::sqrt(sum);
        const float inverse = 1.0f / (norm < kSmallestNorm ? kSmallestNorm : norm);
        for (int64_t i = 0; i < channels; ++i) {
            const float value = x[i] * inverse * gain[i];
            out[i] = value / (1.0f + exponential(-value));
        }
    }
}

/// bfloat16 bits and float, without branches (a NaN's payload may change, it stays a NaN).
DERRUMBE_VECTOR_CLONES
void widen(const uint16_t* from, float* to, int64_t count) {
    for (int64_t i = 0; i < count; ++i)
        to[i] = std::bit_cast<float>(static_cast<uint32_t>(from[i]) << 16);
}

DERRUMBE_VECTOR_CLONES
void narrow(const float* from, uint16_t* to, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
        const auto bits = std::bit_cast<uint32_t>(from[i]);
        const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
        const bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
        to[i] = static_cast<uint16_t>(nan ? 0x7fc0u : rounded);
    }
}

}  // namespace

ChannelNorm::ChannelNorm(const Weights& weights, int64_t channels, int dimensions) {
    std::vector<int64_t> shape{channels};
    shape.resize(1 + dimensions, 1);
    gain_ = weights.tensor("gamma", shape, at::kFloat)
                .reshape({channels})
                .mul(std::sqrt(static_cast<double>(channels)));
}

at::Tensor ChannelNorm::operator()(const at::Tensor& x) const {
    const at::Tensor wide = x.to(at::kFloat);
    const at::Tensor norm =
        at::linalg_vector_norm(wide, 2, at::IntArrayRef{-1}, /*keepdim=*/true).clamp_min_(1e-12);
    return wide.div(norm).mul_(gain_).to(x.scalar_type());
}

void ChannelNorm::siluInto(const at::Tensor& x, const at::Tensor& out) const {
    const int64_t channels = gain_.size(0);
    const bool direct = x.is_cpu() && x.is_contiguous() && out.is_contiguous();
    // Pieces of about 32 KiB stay in the first-level cache.
    const int64_t piece = std::max<int64_t>(1, 8192 / channels);
    const at::ScalarType type = x.scalar_type();
    if (direct && type == at::kFloat && out.scalar_type() == at::kFloat) {
        const float* from = x.const_data_ptr<float>();
        const float* gain = gain_.const_data_ptr<float>();
        float* to = out.data_ptr<float>();
        at::parallel_for(0, x.numel() / channels, piece, [&](int64_t begin, int64_t end) {
            siluRows(from + begin * channels, gain, to + begin * channels, end - begin, channels);
        });
    } else if (direct && (type == at::kFloat || type == at::kBFloat16) &&
               out.scalar_type() == at::kBFloat16) {
        const void* from = x.const_data_ptr();
        const float* gain = gain_.const_data_ptr<float>();
        auto* to = reinterpret_cast<uint16_t*>(out.data_ptr());
        at::parallel_for(0, x.numel() / channels, piece, [&](int64_t begin, int64_t end) {
            std::vector<float> row(piece * channels);
            for (int64_t at = begin; at < end; at += piece) {
                const int64_t rows = std::min(piece, end - at);
                const float* wide = static_cast<const float*>(from) + at * channels;
                if (type == at::kBFloat16) {
                    widen(static_cast<const uint16_t*>(from) + at * channels, row.data(),
                          rows * channels);
                    wide = row.data();
                }
                siluRows(wide, gain, row.data(), rows, channels);
                narrow(row.data(), to + at * channels, rows * channels);
            }
        });
    } else {
        at::Tensor target = out;
        target.copy_(at::silu((*this)(x)));
    }
}

}  // namespace derrumbe::model
