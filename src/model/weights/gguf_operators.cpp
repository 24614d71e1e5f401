#include "model/weights/gguf_operators.h"

#include <string_view>

#include "support/error.h"
#include "support/strings.h"

namespace derrumbe::model {

// The layouts are described where processors unpack them, in gguf_blocks.cpp. Blocks are [rows, n,
// bytes] here, and what is taken of them [rows, n, ...].

namespace {

/// `count` halves from byte `first` of every block, as float32 [rows, n, count].
at::Tensor halves(const at::Tensor& blocks, int64_t first, int64_t count = 1) {
    return blocks.narrow(2, first, 2 * count).contiguous().view(at::kHalf).to(at::kFloat);
}

at::Tensor low(const at::Tensor& bytes) {
    return bytes.bitwise_and(15);
}

at::Tensor high(const at::Tensor& bytes) {
    return bytes.bitwise_right_shift(4);
}

/// 0, step, 2 step, ... to shift bytes by.
at::Tensor shifts(const at::Tensor& bytes, int64_t count, int64_t step = 1) {
    return at::arange(0, count * step, step, bytes.options());
}

at::Tensor signedBytes(const at::Tensor& bytes) {
    return bytes.contiguous().view(at::kChar).to(at::kFloat);
}

/// 32 numbers from 16 bytes.
at::Tensor nibbles(const at::Tensor& blocks, int64_t first) {
    const at::Tensor bytes = blocks.narrow(2, first, 16);
    return at::cat({low(bytes), high(bytes)}, 2);
}

/// The fifth bits of 32 numbers, in their places, from a word.
at::Tensor fifthBits(const at::Tensor& blocks, int64_t first) {
    const at::Tensor bytes = blocks.narrow(2, first, 4).unsqueeze(3);
    const at::Tensor bits = bytes.bitwise_right_shift(shifts(blocks, 8)).bitwise_and(1);
    return bits.flatten(2).bitwise_left_shift(4);
}

at::Tensor q8_0(const at::Tensor& blocks) {
    return signedBytes(blocks.narrow(2, 2, 32)).mul_(halves(blocks, 0));
}

at::Tensor q4_0(const at::Tensor& blocks) {
    return nibbles(blocks, 2).to(at::kFloat).sub_(8).mul_(halves(blocks, 0));
}

at::Tensor q4_1(const at::Tensor& blocks) {
    return nibbles(blocks, 4).to(at::kFloat).mul_(halves(blocks, 0)).add_(halves(blocks, 2));
}

at::Tensor q5_0(const at::Tensor& blocks) {
    const at::Tensor numbers = nibbles(blocks, 6).bitwise_or_(fifthBits(blocks, 2));
    return numbers.to(at::kFloat).sub_(16).mul_(halves(blocks, 0));
}

at::Tensor q5_1(const at::Tensor& blocks) {
    const at::Tensor numbers = nibbles(blocks, 8).bitwise_or_(fifthBits(blocks, 4));
    return numbers.to(at::kFloat).mul_(halves(blocks, 0)).add_(halves(blocks, 2));
}

/// Numbers [rows, n, 8, 32] times their groups' scales, less their minima.
at::Tensor grouped(const at::Tensor& blocks, const at::Tensor& numbers) {
    const at::Tensor a = blocks.narrow(2, 4, 4), b = blocks.narrow(2, 8, 4),
                     c = blocks.narrow(2, 12, 4);
    const auto upper = [](const at::Tensor& bytes) {
        return bytes.bitwise_right_shift(6).bitwise_left_shift(4);
    };
    const auto factors = [&](const at::Tensor& first, const at::Tensor& others, int64_t half) {
        const at::Tensor six = at::cat({first.bitwise_and(63), others.bitwise_or(upper(first))}, 2);
        return six.to(at::kFloat).mul_(halves(blocks, half)).unsqueeze(3);
    };
    return numbers.to(at::kFloat).mul_(factors(a, low(c), 0)).sub_(factors(b, high(c), 2));
}

/// Eight groups of 32 numbers from 128 bytes.
at::Tensor groupNibbles(const at::Tensor& blocks, int64_t first) {
    const at::Tensor bytes = blocks.narrow(2, first, 128).unflatten(2, {4, 32});
    return at::stack({low(bytes), high(bytes)}, 3).flatten(2, 3);
}

at::Tensor q4_K(const at::Tensor& blocks) {
    return grouped(blocks, groupNibbles(blocks, 16));
}

at::Tensor q5_K(const at::Tensor& blocks) {
    const at::Tensor fifth = blocks.narrow(2, 16, 32)
                                 .unsqueeze(2)
                                 .bitwise_right_shift(shifts(blocks, 8).unsqueeze(1))
                                 .bitwise_and(1)
                                 .bitwise_left_shift(4);
    return grouped(blocks, groupNibbles(blocks, 48).bitwise_or_(fifth));
}

at::Tensor q6_K(const at::Tensor& blocks) {
    const at::Tensor bytes = blocks.narrow(2, 0, 128).unflatten(2, {2, 2, 32});
    const at::Tensor upper = blocks.narrow(2, 128, 64)
                                 .unflatten(2, {2, 1, 32})
                                 .bitwise_right_shift(shifts(blocks, 4, 2).unsqueeze(1))
                                 .bitwise_and(3)
                                 .bitwise_left_shift(4);
    const at::Tensor numbers = at::cat({low(bytes), high(bytes)}, 3).bitwise_or_(upper);
    const at::Tensor scales = signedBytes(blocks.narrow(2, 192, 16)).mul_(halves(blocks, 208));
    return numbers.flatten(2)
        .unflatten(2, {16, 16})
        .to(at::kFloat)
        .sub_(32)
        .mul_(scales.unsqueeze(3));
}

constexpr struct {
    std::string_view name;
    at::Tensor (*unpack)(const at::Tensor& blocks);
} kOperators[] = {{"Q8_0", q8_0}, {"Q4_0", q4_0}, {"Q4_1", q4_1}, {"Q5_0", q5_0},
                  {"Q5_1", q5_1}, {"Q4_K", q4_K}, {"Q5_K", q5_K}, {"Q6_K", q6_K}};

}  // namespace

at::Tensor dequantiseRows(const GgufType& type, const at::Tensor& blocks) {
    const int64_t count = blocks.size(1) / type.bytes;
    for (const auto& [name, unpack] : kOperators)
        if (name == type.name)
            return unpack(blocks.unflatten(1, {count, type.bytes}))
                .reshape({blocks.size(0), count * type.values});
    throw Error(ExitCode::Internal, cat("no operators unpack ", type.name));
}

}  // namespace derrumbe::model
