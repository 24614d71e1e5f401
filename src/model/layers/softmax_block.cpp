#include "model/layers/softmax_block.h"

#include <algorithm>
#include <cmath>
#include <limits>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#ifndef __clang__
// GCC 12 takes what its own header leaves undefined on purpose for a mistake of ours: its bug
// 105593.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#endif

namespace derrumbe::model {

namespace {

#if defined(__x86_64__) && defined(__GNUC__)

// Written for the vectors of the processors whose attention this is (bfloat16_attention.cpp): what
// compilers make of a plain loop is three times as slow.
#define DERRUMBE_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")))

constexpr int64_t kWide = 16;
constexpr int64_t kAtOnce = 4 * kWide;  // each of four sums waits for its last addition alone

DERRUMBE_AVX512 __mmask16 first(int64_t count) {
    return static_cast<__mmask16>(count >= kWide ? 0xFFFF : (1 << count) - 1);
}

/// 2^x: 2^n times a polynomial of f = x - n, |f| <= 1/2, which is off by 1.1e-4 of it at most, the
/// least that three coefficients beside the 1 allow (Lawson 1961, weighted least squares). What is
/// not a number stays; of -infinity 0.
DERRUMBE_AVX512 __m512 powerOfTwo(__m512 x) {
    constexpr float kSeries[] = {0.0550089342F, 0.242211001F, 0.693282931F, 1};
    const __m512 f = _mm512_reduce_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m512 sum = _mm512_set1_ps(kSeries[0]);
    for (size_t i = 1; i < std::size(kSeries); ++i)
        sum = _mm512_fmadd_ps(sum, f, _mm512_set1_ps(kSeries[i]));
    return _mm512_scalef_ps(sum, _mm512_sub_ps(x, f));
}

DERRUMBE_AVX512 float greatestOf(const float* scores, int64_t count) {
    const __m512 least = _mm512_set1_ps(-std::numeric_limits<float>::infinity());
    __m512 greatest[4] = {least, least, least, least};
    int64_t i = 0;
    for (; i + kAtOnce <= count; i += kAtOnce)
        for (int64_t part = 0; part < 4; ++part)
            greatest[part] =
                _mm512_max_ps(greatest[part], _mm512_loadu_ps(scores + i + part * kWide));
    for (; i < count; i += kWide)
        greatest[0] =
            _mm512_max_ps(greatest[0], _mm512_mask_loadu_ps(least, first(count - i), scores + i));
    return _mm512_reduce_max_ps(_mm512_max_ps(_mm512_max_ps(greatest[0], greatest[1]),
                                              _mm512_max_ps(greatest[2], greatest[3])));
}

/// 2^(factor * score - greatest) of each score, in bfloat16; their sum.
DERRUMBE_AVX512 float weigh(const float* scores, int64_t count, float factor, float greatest,
                            c10::BFloat16* out) {
    const __m512 times = _mm512_set1_ps(factor), shift = _mm512_set1_ps(-greatest);
    const auto weight = [&](__m512 score) DERRUMBE_AVX512 {
        return powerOfTwo(_mm512_fmadd_ps(score, times, shift));
    };
    __m512 sums[4] = {};
    int64_t i = 0;
    for (; i + kAtOnce <= count; i += kAtOnce) {
        for (int64_t part = 0; part < 4; part += 2) {
            const float* own = scores + i + part * kWide;
            const __m512 low = weight(_mm512_loadu_ps(own)),
                         high = weight(_mm512_loadu_ps(own + kWide));
            sums[part] = _mm512_add_ps(sums[part], low);
            sums[part + 1] = _mm512_add_ps(sums[part + 1], high);
            _mm512_storeu_si512(out + i + part * kWide,
                                reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low)));
        }
    }
    for (; i < count; i += kWide) {
        const __mmask16 own = first(count - i);
        const __m512 value =
            _mm512_maskz_mov_ps(own, weight(_mm512_maskz_loadu_ps(own, scores + i)));
        sums[0] = _mm512_add_ps(sums[0], value);
        _mm256_mask_storeu_epi16(out + i, own,
                                 reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(value)));
    }
    return _mm512_reduce_add_ps(
        _mm512_add_ps(_mm512_add_ps(sums[0], sums[1]), _mm512_add_ps(sums[2], sums[3])));
}

#undef DERRUMBE_AVX512

#else

float greatestOf(const float* scores, int64_t count) {
    return *std::max_element(scores, scores + count);
}

float weigh(const float* scores, int64_t count, float factor, float greatest, c10::BFloat16* out) {
    float sum = 0;
    for (int64_t i = 0; i < count; ++i) {
        const float value = std::exp2(factor * scores[i] - greatest);
        out[i] = value;
        sum += value;
    }
    return sum;
}

#endif

}  // namespace

float softmaxBlock(const float* scores, int64_t count, int64_t size, float scale,
                   RunningSoftmax& state, c10::BFloat16* out) {
    constexpr float logTwoOfE = 1.44269504F;
    const float times = scale * logTwoOfE;
    const float greatest = std::max(state.greatest, times * greatestOf(scores, count));
    // Most blocks have none that is greater.
    const float factor = greatest == state.greatest ? 1 : std::exp2(state.greatest - greatest);
    state = {greatest, state.sum * factor + weigh(scores, count, times, greatest, out)};
    std::fill(out + count, out + size, c10::BFloat16(0));
    return factor;
}

}  // namespace derrumbe::model
