#include "model/layers/bfloat16_attention.h"

#include <ATen/Parallel.h>
#include <ATen/native/CPUBlas.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include "model/layers/bfloat16_pairs.h"
#include "model/layers/softmax_block.h"
#include "support/processor.h"

namespace derrumbe::model {

namespace {

constexpr int64_t kLeast = 128;         // queries
constexpr int64_t kMostQueries = 256;   // in a block
constexpr int64_t kCopied = 8 << 20;    // numbers of keys and values that are repacked at a time
constexpr int64_t kNearKeys = 1 << 17;  // numbers of keys that stay in a core's own cache

/// How much a product is given at once: of scores what a core's own cache holds beside their keys
/// and values. With tiles products are so fast that keys and values come too slowly from further
/// away unless more queries meet them there.
struct Sizes {
    int64_t queries;  ///< that meet the keys in the core's cache, at most kMostQueries
    int64_t rows;     ///< of them in one product
    int64_t keys;     ///< in one product, at most
};

Sizes sizes() {
    return bfloat16Products() == Bfloat16Products::Tiles ? Sizes{256, 128, 512}
                                                         : Sizes{128, 128, 1024};
}

int64_t upTo(int64_t value, int64_t multiple) {
    return (value + multiple - 1) / multiple * multiple;
}

/// A whole in parts of one size, a multiple of 16: the last is filled up, or smaller.
struct Parts {
    int64_t whole, count, size;

    Parts(int64_t all, int64_t most)
        : whole(all), count((all + most - 1) / most), size(upTo((all + count - 1) / count, 16)) {}

    int64_t padded() const { return count * size; }
};

/// What one head's queries meet.
struct Keys {
    const at::BFloat16 *keyPairs, *valuePairs;  ///< of each part [width, size] and [size, width]
    const float* bias;                          ///< of each key, over the scale; null: none
    Parts parts;
    int64_t near;  ///< parts of which a core's cache holds keys and values
    int64_t width;
    float scale;
};

/// Room for a block of queries of each thread: what threads allocate in a loop goes back to the
/// system every time, which halts the others.
struct Scratch {
    at::Tensor scores, weights, mixed;

    Scratch(const Sizes& sizes, int64_t width, int64_t keys) {
        const int64_t threads = at::get_num_threads();
        scores = at::empty({threads, sizes.rows, keys}, at::kFloat);
        weights = at::empty({threads, sizes.rows, keys}, at::kBFloat16);
        mixed = at::empty({threads, sizes.queries, width}, at::kFloat);
    }
};

/// A thread's part of it.
struct Room {
    float* scores;
    at::BFloat16* weights;
    float* mixed;

    Room(const Scratch& all, int64_t thread)
        : scores(all.scores[thread].mutable_data_ptr<float>()),
          weights(all.weights[thread].mutable_data_ptr<at::BFloat16>()),
          mixed(all.mixed[thread].mutable_data_ptr<float>()) {}
};

void multiply(float* row, int64_t width, float factor) {
    for (int64_t i = 0; i < width; ++i) row[i] *= factor;
}

/// Some queries with one part of the keys: afterwards `mixed` [rows, width] is what the mean of the
/// values, weighted, would be if there were no more keys, but for a factor a row: Dao et al. 2022,
/// "FlashAttention", algorithm 1.
void attendPart(const HalfRows& q, const Keys& keys, int64_t part, const Room& room,
                RunningSoftmax* states, float* mixed) {
    const int64_t size = keys.parts.size, width = keys.width;
    at::native::cpublas::brgemm(q.count, size, width, q.stride, size, size, /*add_C=*/false, q.data,
                                keys.keyPairs + part * size * width, room.scores);
    const int64_t count = std::min(size, keys.parts.whole - part * size);
    for (int64_t row = 0; row < q.count; ++row) {
        float* own = room.scores + row * size;
        if (keys.bias != nullptr)
            for (int64_t i = 0; i < count; ++i) own[i] += keys.bias[part * size + i];
        const float factor =
            softmaxBlock(own, count, size, keys.scale, states[row], room.weights + row * size);
        if (part > 0 && factor != 1) multiply(mixed + row * width, width, factor);
    }
    at::native::cpublas::brgemm(q.count, width, size, size, width, width, /*add_C=*/part > 0,
                                room.weights, keys.valuePairs + part * size * width, mixed);
}

/// Some queries of one head with all keys: the mean of the values, weighted, into `room.mixed`.
/// @param rows queries in one product
void attendQueries(const HalfRows& q, int64_t rows, const Keys& keys, const Room& room) {
    std::array<RunningSoftmax, kMostQueries> states;
    states.fill({-std::numeric_limits<float>::infinity(), 0});
    for (int64_t near = 0; near < keys.parts.count; near += keys.near) {
        const int64_t end = std::min(keys.parts.count, near + keys.near);
        for (int64_t first = 0; first < q.count; first += rows) {
            const HalfRows own{q.data + first * q.stride, std::min(rows, q.count - first), q.width,
                               q.stride};
            for (int64_t part = near; part < end; ++part)
                attendPart(own, keys, part, room, states.data() + first,
                           room.mixed + first * keys.width);
        }
    }
    for (int64_t row = 0; row < q.count; ++row)
        multiply(room.mixed + row * keys.width, keys.width,
                 1 / states[static_cast<size_t>(row)].sum);
}

/// Of x [H, L, D] one head's rows.
HalfRows rowsOf(const at::Tensor& x, int64_t head, int64_t first, int64_t count) {
    return {x.const_data_ptr<at::BFloat16>() + head * x.stride(0) + first * x.stride(1), count,
            x.size(2), x.stride(1)};
}

/// Keys and values of some heads [H, S, D] as products read them, part by part: [H, padded * D].
struct Pairs {
    at::Tensor keys, values;

    Pairs(const at::Tensor& k, const at::Tensor& v, const Parts& parts) {
        const int64_t heads = k.size(0), width = k.size(2), each = parts.size * width;
        keys = at::empty({heads, parts.count * each}, k.options());
        values = at::empty_like(keys);
        auto *keyPairs = keys.mutable_data_ptr<at::BFloat16>(),
             *valuePairs = values.mutable_data_ptr<at::BFloat16>();
        at::parallel_for(0, heads * parts.count, 1, [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; ++i) {
                const int64_t head = i / parts.count, first = i % parts.count * parts.size,
                              count = std::clamp<int64_t>(parts.whole - first, 0, parts.size);
                pairColumns(rowsOf(k, head, first, count), parts.size, keyPairs + i * each);
                pairRows(rowsOf(v, head, first, count), parts.size, valuePairs + i * each);
            }
        });
    }
};

/// Of some heads: q [H, L, D], k and v [H, S, D] into `out` [H, L, D], a view.
/// @param about of every head; the pairs are those of k and v
void attendHeads(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Sizes& sizes,
                 const Keys& about, const Scratch& scratch, const at::Tensor& out) {
    const Pairs pairs(k, v, about.parts);
    const Parts blocks(q.size(1), sizes.queries);
    at::parallel_for(0, q.size(0) * blocks.count, 1, [&](int64_t begin, int64_t end) {
        const c10::InferenceMode inference;
        const int64_t thread = at::get_thread_num();
        const Room room(scratch, thread);
        for (int64_t task = begin; task < end; ++task) {
            const int64_t head = task / blocks.count, first = task % blocks.count * blocks.size,
                          rows = std::min(blocks.size, blocks.whole - first);
            Keys keys = about;
            keys.keyPairs = pairs.keys[head].const_data_ptr<at::BFloat16>();
            keys.valuePairs = pairs.values[head].const_data_ptr<at::BFloat16>();
            attendQueries(rowsOf(q, head, first, rows), sizes.rows, keys, room);
            out.select(0, head)
                .narrow(0, first, rows)
                .copy_(scratch.mixed[thread].narrow(0, 0, rows));
        }
        at::native::cpublas::brgemm_release();
    });
}

/// Its rows may lie anywhere, a row's numbers not.
at::Tensor denseRows(const at::Tensor& x) {
    return x.stride(-1) == 1 ? x : x.contiguous();
}

}  // namespace

bool bfloat16AttentionPays(const at::Tensor& q, const at::Tensor& k, const at::Tensor& bias) {
    return bfloat16Products() != Bfloat16Products::None && q.is_cpu() &&
           q.scalar_type() == at::kBFloat16 && q.size(-1) % 2 == 0 && q.size(-2) >= kLeast &&
           (!bias.defined() || bias.numel() == k.size(-2)) &&
           at::globalContext().userEnabledMkldnn();
}

at::Tensor bfloat16Attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                             double scale, const at::Tensor& bias) {
    const int64_t batch = q.size(0), heads = q.size(1), length = q.size(2), width = q.size(3);
    const at::Tensor queries = denseRows(q), keys = denseRows(k), values = denseRows(v);
    const at::Tensor out = at::empty({batch, length, heads, width}, q.options());
    const at::Tensor added =
        bias.defined() ? bias.to(at::kFloat).flatten().div(scale).contiguous() : at::Tensor();
    const Sizes most = sizes();
    const Parts parts(k.size(2), most.keys);
    const Keys about{.keyPairs = nullptr,
                     .valuePairs = nullptr,
                     .bias = added.defined() ? added.const_data_ptr<float>() : nullptr,
                     .parts = parts,
                     .near = std::max<int64_t>(1, kNearKeys / (parts.size * width)),
                     .width = width,
                     .scale = static_cast<float>(scale)};
    const Scratch scratch(most, width, parts.size);
    const int64_t headsAtOnce =
        std::clamp<int64_t>(kCopied / (2 * parts.padded() * width), 1, heads);
    for (int64_t item = 0; item < batch; ++item) {
        for (int64_t first = 0; first < heads; first += headsAtOnce) {
            const int64_t count = std::min(headsAtOnce, heads - first);
            const auto own = [&](const at::Tensor& all) {
                return all.select(0, item).narrow(0, first, count);
            };
            attendHeads(own(queries), own(keys), own(values), most, about, scratch,
                        out.select(0, item).narrow(1, first, count).transpose(0, 1));
        }
    }
    return out.transpose(1, 2);
}

}  // namespace derrumbe::model
