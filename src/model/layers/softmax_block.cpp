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
#define DERRUMBE_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))

constexpr int64_t kWide = 16;

DERRUMBE_AVX512 __mmask16 first(int64_t count) {
    return static_cast<__mmask16>(count >= kWide ? 0xFFFF : (1 << count) - 1);
}

/// exp(x): 2^n times the series of 2^f, |f| <= 1/2, to f^5. x <= 0; of less than -87 about 1e-38.
DERRUMBE_AVX512 __m512 expOfNegative(__m512 x) {
    constexpr float kSeries[] = {0.00133335581F, 0.00961812911F, 0.0555041087F,
                                 0.240226507F,   0.693147181F,   1};
    // In this order what is not a number stays.
    const __m512 power =
        _mm512_max_ps(_mm512_set1_ps(-126), _mm512_mul_ps(x, _mm512_set1_ps(1.44269504F)));
    const __m512 whole = _mm512_roundscale_ps(power, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m512 f = _mm512_sub_ps(power, whole);
    __m512 sum = _mm512_set1_ps(kSeries[0]);
    for (size_t i = 1; i < std::size(kSeries); ++i)
        sum = _mm512_fmadd_ps(sum, f, _mm512_set1_ps(kSeries[i]));
    return _mm512_scalef_ps(sum, whole);
}

DERRUMBE_AVX512 float greatestOf(const float* scores, int64_t count) {
    const __m512 least = _mm512_set1_ps(-std::numeric_limits<float>::infinity());
    __m512 greatest = least;
    for (int64_t i = 0; i < count; i += kWide)
        greatest =
            _mm512_max_ps(greatest, _mm512_mask_loadu_ps(least, first(count - i), scores + i));
    return _mm512_reduce_max_ps(greatest);
}

/// exp(scale * score - greatest) of each score, in bfloat16; their sum.
DERRUMBE_AVX512 float weigh(const float* scores, int64_t count, float scale, float greatest,
                            c10::BFloat16* out) {
    const __m512 factor = _mm512_set1_ps(scale), shift = _mm512_set1_ps(-greatest);
    __m512 sum = _mm512_setzero_ps();
    for (int64_t i = 0; i < count; i += kWide) {
        const __mmask16 own = first(count - i);
        const __m512 value = _mm512_maskz_mov_ps(
            own,
            expOfNegative(_mm512_fmadd_ps(_mm512_maskz_loadu_ps(own, scores + i), factor, shift)));
        sum = _mm512_add_ps(sum, value);
        _mm256_mask_storeu_epi16(out + i, own,
                                 reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(value)));
    }
    return _mm512_reduce_add_ps(sum);
}

#undef DERRUMBE_AVX512

#else

float greatestOf(const float* scores, int64_t count) {
    return *std::max_element(scores, scores + count);
}

float weigh(const float* scores, int64_t count, float scale, float greatest, c10::BFloat16* out) {
    float sum = 0;
    for (int64_t i = 0; i < count; ++i) {
        const float value = std::exp(scale * scores[i] - greatest);
        out[i] = value;
        sum += value;
    }
    return sum;
}

#endif

}  // namespace

float softmaxBlock(const float* scores, int64_t count, int64_t size, float scale,
                   RunningSoftmax& state, c10::BFloat16* out) {
    const float greatest = std::max(state.greatest, scale * greatestOf(scores, count));
    const float factor = std::exp(state.greatest - greatest);
    state = {greatest, state.sum * factor + weigh(scores, count, scale, greatest, out)};
    std::fill(out + count, out + size, c10::BFloat16(0));
    return factor;
}

}  // namespace derrumbe::model
