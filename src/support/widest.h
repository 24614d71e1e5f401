#pragma once
#include "support/processor.h"

namespace derrumbe {

#if defined(__x86_64__) && defined(__GNUC__)

#ifdef __clang__
#define DERRUMBE_AVX512 "avx512f,avx512bw,avx512dq,avx512vl,fma"
#else
#define DERRUMBE_AVX512 "avx512f,avx512bw,avx512dq,avx512vl,fma,prefer-vector-width=512"
#endif

template <class Loop>
[[gnu::target(DERRUMBE_AVX512), gnu::noinline]] void inAvx512(const Loop& loop) {
    loop();
}

template <class Loop>
[[gnu::target("avx2,fma"), gnu::noinline]] void inAvx2(const Loop& loop) {
    loop();
}

#undef DERRUMBE_AVX512

#endif

/// What a loop that `inWidest` runs is declared with, and each function that it calls for a number:
/// they become part of the code for each kind of processor.
#ifdef __GNUC__
#define DERRUMBE_IN_WIDEST __attribute__((always_inline))
#else
#define DERRUMBE_IN_WIDEST
#endif

/// Runs loop() in the code that was made of it for the widest vectors that this processor has,
/// whatever the program as a whole was compiled for. Results differ between them by the rounding of
/// sums and of fused multiplications.
/// @param loop a lambda declared with DERRUMBE_IN_WIDEST
template <class Loop>
void inWidest(const Loop& loop) {
#if defined(__x86_64__) && defined(__GNUC__)
    switch (widestVectors()) {
        case Vectors::Avx512:
            return inAvx512(loop);
        case Vectors::Avx2:
            return inAvx2(loop);
        case Vectors::Plain:
            break;
    }
#endif
    loop();
}

}  // namespace derrumbe
