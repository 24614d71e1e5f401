#include "model/layers/rows/processor_loops.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "support/widest.h"

namespace derrumbe::model::rows::processor {

namespace {

// bfloat16 as its bits: the upper half of a float32's.

/// The nearest, even of two as near; NaN stays NaN.
DERRUMBE_IN_WIDEST inline std::uint16_t bfloat16Bits(float x) {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    const std::uint32_t nearest = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
    return static_cast<std::uint16_t>(x != x ? 0x7FC0 : nearest);
}

DERRUMBE_IN_WIDEST inline float read(const float* from, std::int64_t i) {
    return from[i];
}
DERRUMBE_IN_WIDEST inline float read(const std::uint16_t* from, std::int64_t i) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(from[i]) << 16);
}
DERRUMBE_IN_WIDEST inline void write(float x, float* to, std::int64_t i) {
    to[i] = x;
}
DERRUMBE_IN_WIDEST inline void write(float x, std::uint16_t* to, std::int64_t i) {
    to[i] = bfloat16Bits(x);
}

/// Adding it leaves no bits for a fraction, rounded to the nearest whole number, even of two as
/// near; the lowest bits hold that. Of numbers up to 2^21 or so.
constexpr float kRounder = 12582912;  // 1.5 * 2^23

DERRUMBE_IN_WIDEST inline std::uint32_t wholeBits(float x) {
    return std::bit_cast<std::uint32_t>(x + kRounder);
}

/// exp(x): 2^n times the series of 2^f, |f| <= 1/2, to f^5: within 3e-5. Beyond 87 as of 87.
DERRUMBE_IN_WIDEST inline float expOf(float x) {
    constexpr float kLog2E = 1.44269504F, kMost = 126;
    const float power = std::min(std::max(x * kLog2E, -kMost), kMost),
                f = power - ((power + kRounder) - kRounder);
    const float series =
        1 +
        f * (0.693147181F +
             f * (0.240226507F + f * (0.0555041087F + f * (0.00961812911F + f * 0.00133335581F))));
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(series) + (wholeBits(power) << 23));
}

/// GELU in its tanh form, x / 2 * (1 + tanh(u)) = x / (1 + exp(-2 u)). Hendrycks and Gimpel 2016.
DERRUMBE_IN_WIDEST inline float geluOf(float x) {
    constexpr float kTwiceRootTwoOverPi = 1.595769122F;
    return x / (1 + expOf(-kTwiceRootTwoOverPi * (x + 0.044715F * x * x * x)));
}

template <class T>
DERRUMBE_IN_WIDEST inline float inverseRms(const T* from, std::int64_t width, float eps) {
    float squares = 0;
#pragma omp simd reduction(+ : squares)
    for (std::int64_t i = 0; i < width; ++i) squares += read(from, i) * read(from, i);
    return 1 / std::sqrt(squares / static_cast<float>(width) + eps);
}

/// Calls work(x's row, to's row, its number among those of all batches) for all of them, both of
/// the type that they are in; `to` is x where nothing else is given.
template <class T, class Work>
void eachAs(const Rows& x, const Rows& to, const Work& work) {
    constexpr std::int64_t kNumbersAtOnce = 32768;  // what starting a thread is worth
    at::parallel_for(
        0, x.batches * x.length, std::max<std::int64_t>(1, kNumbersAtOnce / x.width),
        [&](std::int64_t begin, std::int64_t end) {
            inWidest([&]() DERRUMBE_IN_WIDEST {
                for (std::int64_t i = begin; i < end; ++i) {
                    const std::int64_t batch = i / x.length, row = i % x.length;
                    work(static_cast<const T*>(x.data) + batch * x.batchStride + row * x.width,
                         static_cast<T*>(to.data) + batch * to.batchStride + row * to.width, i);
                }
            });
        });
}

/// The same for rows in whatever type they are.
template <class Work>
void each(const Rows& x, const Rows& to, const Work& work) {
    if (x.number == Number::Float)
        eachAs<float>(x, to, work);
    else
        eachAs<std::uint16_t>(x, to, work);
}

}  // namespace

void layerNorm(const Rows& x, const Rows& to, const float* weight, const float* bias, float eps) {
    const std::int64_t width = x.width;
    each(x, to, [&](const auto* from, auto* out, std::int64_t) DERRUMBE_IN_WIDEST {
        float sum = 0;
#pragma omp simd reduction(+ : sum)
        for (std::int64_t i = 0; i < width; ++i) sum += read(from, i);
        const float mean = sum / static_cast<float>(width);
        float squares = 0;
#pragma omp simd reduction(+ : squares)
        for (std::int64_t i = 0; i < width; ++i) {
            const float centred = read(from, i) - mean;
            squares += centred * centred;
        }
        const float factor = 1 / std::sqrt(squares / static_cast<float>(width) + eps);
#pragma omp simd
        for (std::int64_t i = 0; i < width; ++i)
            write((read(from, i) - mean) * factor * weight[i] + bias[i], out, i);
    });
}

void rmsRotate(const Rows& x, const Rows& to, const float* gain, const float* table,
               std::int64_t headSize, float eps) {
    const std::int64_t width = x.width;
    each(x, to, [&](const auto* from, auto* out, std::int64_t index) DERRUMBE_IN_WIDEST {
        const float factor = inverseRms(from, width, eps);
        const float* turns = table + index % x.length * headSize;
        for (std::int64_t head = 0; head < width; head += headSize) {
#pragma omp simd
            for (std::int64_t i = 0; i < headSize; i += 2) {
                const std::int64_t at = head + i;
                const float real = read(from, at) * factor * gain[at],
                            imaginary = read(from, at + 1) * factor * gain[at + 1];
                write(real * turns[i] - imaginary * turns[i + 1], out, at);
                write(real * turns[i + 1] + imaginary * turns[i], out, at + 1);
            }
        }
    });
}

void rmsNormalise(const Rows& x, float eps) {
    const std::int64_t width = x.width;
    each(x, x, [&](const auto* from, auto* out, std::int64_t) DERRUMBE_IN_WIDEST {
        const float factor = inverseRms(from, width, eps);
#pragma omp simd
        for (std::int64_t i = 0; i < width; ++i) write(read(from, i) * factor, out, i);
    });
}

void addGated(const Rows& x, const Rows& y, const float* gate) {
    const std::int64_t width = x.width;
    each(y, x, [&](const auto* from, auto* out, std::int64_t) DERRUMBE_IN_WIDEST {
#pragma omp simd
        for (std::int64_t i = 0; i < width; ++i)
            write(read(out, i) + read(from, i) * gate[i], out, i);
    });
}

void int8Rows(const Rows& x, std::int8_t* numbers, float* factors) {
    const std::int64_t width = x.width;
    each(x, x, [=](const auto* from, const auto*, std::int64_t row) DERRUMBE_IN_WIDEST {
        float most = 0, poison = 0;  // NaN where one of the row is not finite
#pragma omp simd reduction(max : most) reduction(+ : poison)
        for (std::int64_t i = 0; i < width; ++i) {
            const float size = std::fabs(read(from, i));
            most = size > most ? size : most;
            poison += size * 0;
        }
        const float factor = std::max(most / 127 + poison, std::numeric_limits<float>::min()),
                    inverse = 1 / factor;
        factors[row] = factor;
        std::int8_t* to = numbers + row * width;
#pragma omp simd
        for (std::int64_t i = 0; i < width; ++i)
            to[i] = static_cast<std::int8_t>(wholeBits(read(from, i) * inverse));
    });
}

void scaleSums(const std::int32_t* sums, const float* rowFactors, const float* columnFactors,
               const float* bias, bool gelu, const Rows& to) {
    const std::int64_t width = to.width;
    const std::vector<float> none(bias == nullptr ? static_cast<size_t>(width) : 0);
    const float* shift = bias == nullptr ? none.data() : bias;
    const auto scaled = [=](auto finish) {
        each(to, to, [=](const auto*, auto* out, std::int64_t row) DERRUMBE_IN_WIDEST {
            const std::int32_t* from = sums + row * width;
            const float factor = rowFactors[row];
#pragma omp simd
            for (std::int64_t i = 0; i < width; ++i)
                write(finish(static_cast<float>(from[i]) * factor * columnFactors[i] + shift[i]),
                      out, i);
        });
    };
    if (gelu)
        scaled([](float x) DERRUMBE_IN_WIDEST { return geluOf(x); });
    else
        scaled([](float x) DERRUMBE_IN_WIDEST { return x; });
}

}  // namespace derrumbe::model::rows::processor
