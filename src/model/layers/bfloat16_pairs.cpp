#include "model/layers/bfloat16_pairs.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace derrumbe::model {

namespace {

constexpr std::int64_t kTogether = 16;  // rows, of whose columns each fills a line of the cache

/// Two numbers that keep their places beside each other.
std::uint32_t pairAt(const c10::BFloat16* numbers) {
    std::uint32_t pair = 0;
    std::memcpy(&pair, numbers, sizeof(pair));
    return pair;
}

}  // namespace

void pairRows(const HalfRows& x, std::int64_t rows, c10::BFloat16* out) {
    const std::vector<c10::BFloat16> zeros(static_cast<std::size_t>(x.width), 0);
    const auto row = [&](std::int64_t i) {
        return i < x.count ? x.data + i * x.stride : zeros.data();
    };
    for (std::int64_t i = 0; i < rows; i += 2) {
        const c10::BFloat16 *first = row(i), *second = row(i + 1);
        c10::BFloat16* both = out + i * x.width;
        for (std::int64_t k = 0; k < x.width; ++k) {
            both[2 * k] = first[k];
            both[2 * k + 1] = second[k];
        }
    }
}

void pairColumns(const HalfRows& x, std::int64_t rows, c10::BFloat16* out) {
    for (std::int64_t first = 0; first < rows; first += kTogether) {
        const std::int64_t there = std::clamp<std::int64_t>(x.count - first, 0, kTogether);
        const c10::BFloat16* own = x.data + first * x.stride;
        for (std::int64_t k = 0; k < x.width; k += 2) {
            std::uint32_t pairs[kTogether] = {};
            for (std::int64_t i = 0; i < there; ++i) pairs[i] = pairAt(own + i * x.stride + k);
            std::memcpy(out + k * rows + 2 * first, pairs, sizeof(pairs));
        }
    }
}

}  // namespace derrumbe::model
