#include "model/layers/rows/processor_loops.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <bit>
#include <cmath>

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

template <class T>
DERRUMBE_IN_WIDEST inline float inverseRms(const T* from, std::int64_t width, float eps) {
    float squares = 0;
#pragma omp simd reduction(+ : squares)
    for (std::int64_t i = 0; i < width; ++i) squares += read(from, i) * read(from, i);
    return 1 / std::sqrt(squares / static_cast<float>(width) + eps);
}

/// Calls work(x's row, to's row, number of the row in its batch) for all of them, both of the type
/// that they are in; `to` is x where nothing else is given.
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
                         static_cast<T*>(to.data) + batch * to.batchStride + row * to.width, row);
                }
            });
        });
}

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
    each(x, to, [&](const auto* from, auto* out, std::int64_t row) DERRUMBE_IN_WIDEST {
        const float factor = inverseRms(from, width, eps);
        const float* turns = table + row * headSize;
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

}  // namespace derrumbe::model::rows::processor
