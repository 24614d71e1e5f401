#include "model/weights/gguf_blocks.h"

#include <ATen/Parallel.h>

#include <cstring>

namespace derrumbe::model {

namespace {

uint8_t byteAt(const std::byte* block, int index) {
    return std::to_integer<uint8_t>(block[index]);
}

float half(const std::byte* at) {
    uint16_t bits = 0;
    std::memcpy(&bits, at, sizeof bits);
    return static_cast<float>(c10::Half(bits, c10::Half::from_bits()));
}

uint32_t word(const std::byte* at) {
    uint32_t bits = 0;
    std::memcpy(&bits, at, sizeof bits);
    return bits;
}

// The first generation: 32 values with one scale. Numbers of 4 bits lie in 16 bytes, the low
// nibbles being values 0..15 and the high ones 16..31; the fifth bits are a word of their own.

constexpr int kShort = 32;

/// Number i of 16 bytes of nibbles.
int nibble(const std::byte* bytes, int i) {
    const uint8_t both = byteAt(bytes, i % 16);
    return i < 16 ? both & 15 : both >> 4;
}

/// d half, 32 signed bytes.
void unpackQ8_0(const std::byte* block, float* values) {
    const float scale = half(block);
    for (int i = 0; i < kShort; ++i)
        values[i] = scale * static_cast<float>(static_cast<int8_t>(byteAt(block, 2 + i)));
}

/// d half, nibbles less 8.
void unpackQ4_0(const std::byte* block, float* values) {
    const float scale = half(block);
    for (int i = 0; i < kShort; ++i)
        values[i] = scale * static_cast<float>(nibble(block + 2, i) - 8);
}

/// d half, m half, nibbles.
void unpackQ4_1(const std::byte* block, float* values) {
    const float scale = half(block), minimum = half(block + 2);
    for (int i = 0; i < kShort; ++i)
        values[i] = scale * static_cast<float>(nibble(block + 4, i)) + minimum;
}

/// d half, word of fifth bits, nibbles; less 16.
void unpackQ5_0(const std::byte* block, float* values) {
    const float scale = half(block);
    const uint32_t fifth = word(block + 2);
    for (int i = 0; i < kShort; ++i) {
        const int number = nibble(block + 6, i) | static_cast<int>((fifth >> i & 1) << 4);
        values[i] = scale * static_cast<float>(number - 16);
    }
}

/// d half, m half, word of fifth bits, nibbles.
void unpackQ5_1(const std::byte* block, float* values) {
    const float scale = half(block), minimum = half(block + 2);
    const uint32_t fifth = word(block + 4);
    for (int i = 0; i < kShort; ++i) {
        const int number = nibble(block + 8, i) | static_cast<int>((fifth >> i & 1) << 4);
        values[i] = scale * static_cast<float>(number) + minimum;
    }
}

// The second generation ("K"): 256 values in eight groups of 32 (sixteen of 16 in Q6_K), each with
// a small integer scale (and minimum) under the block's two halves.

constexpr int kLong = 256;

struct GroupScales {
    float scale[8], minimum[8];
};

/// d half, dmin half, then eight scales and eight minima of 6 bits in 12 bytes: the first four of
/// each are the low bits of bytes 0..3 and 4..7; of the others bytes 8..11 hold the low nibbles and
/// the upper two bits of bytes 0..7 the rest.
GroupScales groupScales(const std::byte* block) {
    const float d = half(block), dmin = half(block + 2);
    const std::byte* packed = block + 4;
    GroupScales groups{};
    for (int g = 0; g < 4; ++g) {
        const int a = byteAt(packed, g), b = byteAt(packed, 4 + g), c = byteAt(packed, 8 + g);
        groups.scale[g] = d * static_cast<float>(a & 63);
        groups.minimum[g] = dmin * static_cast<float>(b & 63);
        groups.scale[4 + g] = d * static_cast<float>((c & 15) | (a >> 6) << 4);
        groups.minimum[4 + g] = dmin * static_cast<float>((c >> 4) | (b >> 6) << 4);
    }
    return groups;
}

/// Number of group g, place i: pairs of groups share 32 bytes, the even one in the low nibbles.
int groupNibble(const std::byte* bytes, int g, int i) {
    const uint8_t both = byteAt(bytes, g / 2 * 32 + i);
    return g % 2 == 0 ? both & 15 : both >> 4;
}

/// Scales, 128 bytes of nibbles.
void unpackQ4_K(const std::byte* block, float* values) {
    const GroupScales groups = groupScales(block);
    for (int g = 0; g < 8; ++g)
        for (int i = 0; i < 32; ++i)
            values[32 * g + i] =
                groups.scale[g] * static_cast<float>(groupNibble(block + 16, g, i)) -
                groups.minimum[g];
}

/// Scales, 32 bytes of fifth bits (bit g of byte i), 128 bytes of nibbles.
void unpackQ5_K(const std::byte* block, float* values) {
    const GroupScales groups = groupScales(block);
    for (int g = 0; g < 8; ++g)
        for (int i = 0; i < 32; ++i) {
            const int number = groupNibble(block + 48, g, i) | (byteAt(block, 16 + i) >> g & 1)
                                                                   << 4;
            values[32 * g + i] = groups.scale[g] * static_cast<float>(number) - groups.minimum[g];
        }
}

/// 128 bytes of nibbles, 64 bytes of upper bit pairs, 16 signed scales, d half; less 32. Each half
/// of the block has four quarters of 32 values: 0 and 1 are the low nibbles of its first and second
/// 32 bytes, 2 and 3 the high ones; quarter q's upper bits are pair q of its 32 bytes.
void unpackQ6_K(const std::byte* block, float* values) {
    const std::byte *low = block, *high = block + 128, *scales = block + 192;
    const float d = half(block + 208);
    for (int i = 0; i < kLong; ++i) {
        const int part = i / 128, quarter = i / 32 % 4, place = i % 32;
        const uint8_t both = byteAt(low, 64 * part + 32 * (quarter % 2) + place);
        const int nibbleBits = quarter < 2 ? both & 15 : both >> 4;
        const int upper = byteAt(high, 32 * part + place) >> (2 * quarter) & 3;
        const float scale = d * static_cast<float>(static_cast<int8_t>(byteAt(scales, i / 16)));
        values[i] = scale * static_cast<float>((nibbleBits | upper << 4) - 32);
    }
}

constexpr GgufType kTypes[] = {
    {0, "F32", 1, 4, "F32", nullptr},
    {1, "F16", 1, 2, "F16", nullptr},
    {2, "Q4_0", kShort, 18, "F32", unpackQ4_0},
    {3, "Q4_1", kShort, 20, "F32", unpackQ4_1},
    {6, "Q5_0", kShort, 22, "F32", unpackQ5_0},
    {7, "Q5_1", kShort, 24, "F32", unpackQ5_1},
    {8, "Q8_0", kShort, 34, "F32", unpackQ8_0},
    {12, "Q4_K", kLong, 144, "F32", unpackQ4_K},
    {13, "Q5_K", kLong, 176, "F32", unpackQ5_K},
    {14, "Q6_K", kLong, 210, "F32", unpackQ6_K},
    {24, "I8", 1, 1, "I8", nullptr},
    {25, "I16", 1, 2, "I16", nullptr},
    {26, "I32", 1, 4, "I32", nullptr},
    {27, "I64", 1, 8, "I64", nullptr},
    {28, "F64", 1, 8, "F64", nullptr},
    {30, "BF16", 1, 2, "BF16", nullptr},
};

}  // namespace

const GgufType* ggufType(uint32_t id) {
    for (const GgufType& type : kTypes)
        if (type.id == id) return &type;
    return nullptr;
}

const char* ggufTypeNames() {
    return "F32, F16, BF16, Q8_0, Q6_K, Q5_K, Q4_K, Q5_1, Q5_0, Q4_1, Q4_0";
}

at::Tensor dequantise(const GgufType& type, const std::byte* data, at::IntArrayRef shape) {
    at::Tensor tensor = at::empty(shape, at::kFloat);
    float* values = tensor.mutable_data_ptr<float>();
    at::parallel_for(0, tensor.numel() / type.values, 64, [&](int64_t begin, int64_t end) {
        for (int64_t block = begin; block < end; ++block)
            type.unpack(data + block * type.bytes, values + block * type.values);
    });
    return tensor;
}

}  // namespace derrumbe::model
