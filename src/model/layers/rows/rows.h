#pragma once
#include <cstdint>

namespace derrumbe::model::rows {

enum class Number { Float, Half, BFloat16 };

/// Tokens in memory: `batches` times `length` rows of `width` numbers, the rows of a batch without
/// gaps, `batchStride` numbers from one batch to the next.
struct Rows {
    void* data = nullptr;
    std::int64_t batches = 0, length = 0, width = 0, batchStride = 0;
    Number number = Number::Float;
};

}  // namespace derrumbe::model::rows
