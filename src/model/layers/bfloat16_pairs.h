#pragma once
#include <c10/util/BFloat16.h>

#include <cstdint>

namespace derrumbe::model {

/// Some rows of numbers, `stride` from one to the next.
struct HalfRows {
    const c10::BFloat16* data;
    std::int64_t count, width, stride;
};

// oneDNN's products of bfloat16 read their second matrix [K, N] with each two rows' numbers side by
// side, [K / 2, N, 2] ("VNNI").

/// That of x, K being `rows`, even and at least x.count: what x lacks is zeros. `out` holds rows *
/// x.width numbers.
void pairRows(const HalfRows& x, std::int64_t rows, c10::BFloat16* out);

/// That of the transposed x, N being `rows`, a multiple of 16 and at least x.count, x.width even.
/// `out` holds rows * x.width numbers.
void pairColumns(const HalfRows& x, std::int64_t rows, c10::BFloat16* out);

}  // namespace derrumbe::model
