#include "model/layers/bfloat16_attention.h"

#include <ATen/Parallel.h>
#include <ATen/native/CPUBlas.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include "model/layers/softmax_block.h"
#include "support/processor.h"

namespace derrumbe::model {

namespace {

constexpr int64_t kLeast = 128;        // queries
constexpr int64_t kMostQueries = 128;  // in a block
constexpr int64_t kMostKeys = 1024;   // in a block: of both products, what a core's own cache holds
constexpr int64_t kCopied = 8 << 20;  // numbers of keys and values that are repacked at a time

int64_t upTo(int64_t value, int64_t multiple) {
    return (value + multiple - 1) / multiple * multiple;
}

const at::BFloat16* half(const at::Tensor& x) {
    return x.const_data_ptr<at::BFloat16>();
}

// oneDNN's products of bfloat16 read their second matrix [K, N] with each two rows' numbers side by
// side, [K / 2, N, 2] ("VNNI").

/// That of x [..., K, N].
at::Tensor rowPairs(const at::Tensor& x) {
    return x.unflatten(-2, {-1, 2}).transpose(-2, -1).contiguous();
}

/// That of the transposed x [..., N, K]: pairs of numbers change places as one.
at::Tensor columnPairs(const at::Tensor& x) {
    const at::Tensor dense = x.stride(-1) == 1 ? x : x.contiguous();
    return dense.view(at::kInt).transpose(-2, -1).contiguous().view(at::kBFloat16);
}

at::Tensor withRows(const at::Tensor& x, int64_t rows) {
    return x.size(-2) == rows ? x : at::constant_pad_nd(x, {0, 0, 0, rows - x.size(-2)});
}

/// Keys in blocks of one size, the last filled up with zeros.
struct KeyBlocks {
    int64_t number, count, size;

    explicit KeyBlocks(int64_t keys)
        : number(keys),
          count((keys + kMostKeys - 1) / kMostKeys),
          size(upTo((keys + count - 1) / count, 16)) {}

    int64_t padded() const { return count * size; }
};

/// Room for a block of queries of each thread: what threads allocate in a loop goes back to the
/// system every time, which halts the others.
struct Scratch {
    at::Tensor scores, weights, mixed;

    Scratch(int64_t width, const KeyBlocks& blocks) {
        const int64_t threads = at::get_num_threads();
        scores = at::empty({threads, kMostQueries, blocks.size}, at::kFloat);
        weights = at::empty({threads, kMostQueries, blocks.size}, at::kBFloat16);
        mixed = at::empty({threads, kMostQueries, width}, at::kFloat);
    }
};

/// Some queries of one head, `rows` of [rows, width] with `stride` between them, with all keys: the
/// mean of the values, weighted, into `mixed` [rows, width]. After each block of keys `mixed` is
/// what it would be if there were no more but for a factor a row, which the last step divides by:
/// Dao et al. 2022, "FlashAttention", algorithm 1.
void attendQueries(const at::BFloat16* q, int64_t rows, int64_t width, int64_t stride,
                   const at::BFloat16* keyPairs, const at::BFloat16* valuePairs, float scale,
                   const float* bias, const KeyBlocks& keys, float* scores, at::BFloat16* weights,
                   float* mixed) {
    std::array<RunningSoftmax, kMostQueries> states;
    states.fill({-std::numeric_limits<float>::infinity(), 0});
    const auto multiply = [&](int64_t row, float factor) {
        for (int64_t i = row * width; i < (row + 1) * width; ++i) mixed[i] *= factor;
    };
    for (int64_t block = 0; block < keys.count; ++block) {
        at::native::cpublas::brgemm(rows, keys.size, width, stride, keys.size, keys.size,
                                    /*add_C=*/false, q, keyPairs + block * width * keys.size,
                                    scores);
        const int64_t count = std::min(keys.size, keys.number - block * keys.size);
        for (int64_t row = 0; row < rows; ++row) {
            float* own = scores + row * keys.size;
            if (bias != nullptr)
                for (int64_t i = 0; i < count; ++i) own[i] += bias[block * keys.size + i];
            const float factor =
                softmaxBlock(own, count, keys.size, scale, states[static_cast<size_t>(row)],
                             weights + row * keys.size);
            if (block > 0 && factor != 1) multiply(row, factor);
        }
        at::native::cpublas::brgemm(rows, width, keys.size, keys.size, width, width,
                                    /*add_C=*/block > 0, weights,
                                    valuePairs + block * keys.size * width, mixed);
    }
    for (int64_t row = 0; row < rows; ++row)
        multiply(row, 1 / states[static_cast<size_t>(row)].sum);
}

/// Of some heads: q [H, L, D], k and v [H, S, D] into `out` [H, L, D], a view.
/// @param bias  of each key, over the scale; null: none
void attendHeads(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, double scale,
                 const float* bias, const KeyBlocks& keys, Scratch& scratch,
                 const at::Tensor& out) {
    const int64_t length = q.size(1), width = q.size(2), padded = keys.padded(),
                  tasks = (length + kMostQueries - 1) / kMostQueries;
    const at::Tensor valuePairs = rowPairs(withRows(v, padded)),
                     keyPairs =
                         columnPairs(withRows(k, padded).unflatten(-2, {keys.count, keys.size}));
    at::parallel_for(0, q.size(0) * tasks, 1, [&](int64_t begin, int64_t end) {
        const c10::InferenceMode inference;
        const int64_t thread = at::get_thread_num();
        const at::Tensor mixed = scratch.mixed[thread];
        for (int64_t task = begin; task < end; ++task) {
            const int64_t head = task / tasks, first = task % tasks * kMostQueries,
                          rows = std::min(kMostQueries, length - first);
            attendQueries(half(q) + head * q.stride(0) + first * q.stride(1), rows, width,
                          q.stride(1), half(keyPairs) + head * padded * width,
                          half(valuePairs) + head * padded * width, static_cast<float>(scale), bias,
                          keys, scratch.scores[thread].mutable_data_ptr<float>(),
                          scratch.weights[thread].mutable_data_ptr<at::BFloat16>(),
                          mixed.mutable_data_ptr<float>());
            out.select(0, head).narrow(0, first, rows).copy_(mixed.narrow(0, 0, rows));
        }
        at::native::cpublas::brgemm_release();
    });
}

}  // namespace

bool bfloat16AttentionPays(const at::Tensor& q, const at::Tensor& k, const at::Tensor& bias) {
    return bfloat16Products() == Bfloat16Products::Avx512 && q.is_cpu() &&
           q.scalar_type() == at::kBFloat16 && q.size(-1) % 2 == 0 && q.size(-2) >= kLeast &&
           (!bias.defined() || bias.numel() == k.size(-2)) &&
           at::globalContext().userEnabledMkldnn();
}

at::Tensor bfloat16Attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                             double scale, const at::Tensor& bias) {
    const int64_t batch = q.size(0), heads = q.size(1), length = q.size(2), width = q.size(3),
                  keys = k.size(2);
    const at::Tensor queries = q.stride(-1) == 1 ? q : q.contiguous();
    const at::Tensor out = at::empty({batch, length, heads, width}, q.options());
    const KeyBlocks blocks(keys);
    Scratch scratch(width, blocks);
    const at::Tensor added =
        bias.defined() ? bias.to(at::kFloat).flatten().div(scale).contiguous() : at::Tensor();
    const float* biases = added.defined() ? added.const_data_ptr<float>() : nullptr;
    const int64_t headsAtOnce =
        std::clamp<int64_t>(kCopied / (2 * blocks.padded() * width), 1, heads);
    for (int64_t item = 0; item < batch; ++item) {
        for (int64_t first = 0; first < heads; first += headsAtOnce) {
            const int64_t count = std::min(headsAtOnce, heads - first);
            const auto own = [&](const at::Tensor& all) {
                return all.select(0, item).narrow(0, first, count);
            };
            attendHeads(own(queries), own(k), own(v), scale, biases, blocks, scratch,
                        out.select(0, item).narrow(1, first, count).transpose(0, 1));
        }
    }
    return out.transpose(1, 2);
}

}  // namespace derrumbe::model
