#include "model/layers/bfloat16_attention.h"

#include <ATen/Parallel.h>
#include <ATen/native/CPUBlas.h>

#include <algorithm>
#include <cstdint>
#include <limits>

#include "support/processor.h"

namespace derrumbe::model {

namespace {

constexpr int64_t kLeast = 128;        // queries and keys
constexpr int64_t kMostQueries = 128;  // in a block
constexpr int64_t kMostKeys = 1024;  // in a block: of both products, what a core's own cache holds
constexpr int64_t kCopied = 32 << 20;   // numbers of keys and values that are repacked at a time
constexpr int64_t kScores = 512 << 10;  // of a block of queries: 2 MiB of float32

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

/// Room for the blocks of queries of all threads at once: what threads allocate in a loop goes back
/// to the system every time, which halts the others.
struct Scratch {
    int64_t rows;
    at::Tensor scores, weights, rounded, mixed;

    Scratch(int64_t most, int64_t width, const KeyBlocks& blocks, const at::TensorOptions& half)
        : rows(most) {
        const int64_t threads = at::get_num_threads();
        const at::TensorOptions plain(at::kFloat);
        scores = at::empty({threads, most, blocks.padded()}, plain);
        weights = at::empty_like(scores);
        rounded = at::empty({threads, most, blocks.padded()}, half);
        mixed = at::empty({threads, most, width}, plain);
    }
};

/// Of some heads: q [H, L, D], k and v [H, S, D] into `out` [H, L, D], a view.
void attendHeads(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, double scale,
                 const KeyBlocks& keys, Scratch& scratch, const at::Tensor& out) {
    const int64_t length = q.size(1), width = q.size(2), padded = keys.padded(),
                  tasks = (length + scratch.rows - 1) / scratch.rows;
    const at::Tensor valuePairs = rowPairs(withRows(v, padded)),
                     keyPairs =
                         columnPairs(withRows(k, padded).unflatten(-2, {keys.count, keys.size}));
    at::parallel_for(0, q.size(0) * tasks, 1, [&](int64_t begin, int64_t end) {
        const c10::InferenceMode inference;
        const int64_t thread = at::get_thread_num();
        for (int64_t task = begin; task < end; ++task) {
            const int64_t head = task / tasks, first = task % tasks * scratch.rows,
                          rows = std::min(scratch.rows, length - first);
            const auto own = [&](const at::Tensor& all) { return all[thread].narrow(0, 0, rows); };
            const at::Tensor scores = own(scratch.scores), rounded = own(scratch.rounded),
                             mixed = own(scratch.mixed);
            at::Tensor weights = own(scratch.weights);
            for (int64_t block = 0; block < keys.count; ++block)
                at::native::cpublas::brgemm(
                    rows, keys.size, width, q.stride(1), keys.size, padded, /*add_C=*/false,
                    half(q) + head * q.stride(0) + first * q.stride(1),
                    half(keyPairs) + (head * keys.count + block) * width * keys.size,
                    scores.mutable_data_ptr<float>() + block * keys.size);
            scores.mul_(scale)
                .narrow(1, keys.number, padded - keys.number)
                .fill_(-std::numeric_limits<double>::infinity());
            at::_softmax_out(weights, scores, -1, /*half_to_float=*/false);
            rounded.copy_(weights);
            for (int64_t block = 0; block < keys.count; ++block)
                at::native::cpublas::brgemm(
                    rows, width, keys.size, padded, width, width, /*add_C=*/block > 0,
                    half(rounded) + block * keys.size,
                    half(valuePairs) + (head * keys.count + block) * keys.size * width,
                    mixed.mutable_data_ptr<float>());
            out.select(0, head).narrow(0, first, rows).copy_(mixed);
        }
        at::native::cpublas::brgemm_release();
    });
}

}  // namespace

bool bfloat16AttentionPays(const at::Tensor& q, const at::Tensor& k) {
    return bfloat16Products() == Bfloat16Products::Avx512 && q.is_cpu() &&
           q.scalar_type() == at::kBFloat16 && q.size(-1) % 2 == 0 && q.size(-2) >= kLeast &&
           k.size(-2) >= kLeast && at::globalContext().userEnabledMkldnn();
}

at::Tensor bfloat16Attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                             double scale) {
    const int64_t batch = q.size(0), heads = q.size(1), length = q.size(2), width = q.size(3),
                  keys = k.size(2);
    const at::Tensor queries = q.stride(-1) == 1 ? q : q.contiguous();
    const at::Tensor out = at::empty({batch, length, heads, width}, q.options());
    const KeyBlocks blocks(keys);
    Scratch scratch(std::clamp<int64_t>(kScores / blocks.padded(), 16, kMostQueries), width, blocks,
                    q.options());
    const int64_t headsAtOnce =
        std::clamp<int64_t>(kCopied / (2 * blocks.padded() * width), 1, heads);
    for (int64_t item = 0; item < batch; ++item) {
        for (int64_t first = 0; first < heads; first += headsAtOnce) {
            const int64_t count = std::min(headsAtOnce, heads - first);
            const auto own = [&](const at::Tensor& all) {
                return all.select(0, item).narrow(0, first, count);
            };
            attendHeads(own(queries), own(k), own(v), scale, blocks, scratch,
                        out.select(0, item).narrow(1, first, count).transpose(0, 1));
        }
    }
    return out.transpose(1, 2);
}

}  // namespace derrumbe::model
