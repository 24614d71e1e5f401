#pragma once
#include <c10/util/BFloat16.h>

#include <cstdint>

namespace derrumbe::model {

/// What a row's softmax has come to after some of its scores: Milakov and Gimelshein 2018, "Online
/// normalizer calculation for softmax".
struct RunningSoftmax {
    float greatest;  ///< of the scores, scaled, as powers of 2; -infinity before the first
    float sum;       ///< of exp(score - greatest)
};

/// Takes one more block of a row's scores: `out` becomes exp(scale * score - greatest), the
/// greatest being that of all blocks so far, rounded to bfloat16, for `count` scores, and 0 from
/// there to `size`. exp is within 1.1e-4 of itself, a 17th of what bfloat16 rounds by at most.
/// `scale` > 0. Where the processor is of x86-64 it has AVX-512 BF16.
/// @returns what all that was made of earlier blocks is to be multiplied with
float softmaxBlock(const float* scores, int64_t count, int64_t size, float scale,
                   RunningSoftmax& state, c10::BFloat16* out);

}  // namespace derrumbe::model
