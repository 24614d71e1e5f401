#include "model/weights/gguf_vocabulary.h"

#include <cstring>

namespace derrumbe::model {

namespace {

constexpr uint32_t kU8 = 0, kI8 = 1, kI32 = 5, kF32 = 6, kText = 8;

// Protocol buffers' wire format: a key (field number and kind), then a varint, four bytes, or a
// length and bytes.
enum Kind { Varint = 0, Bytes = 2, FourBytes = 5 };

void varint(std::string& out, uint64_t value) {
    for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
    out += static_cast<char>(value);
}

void key(std::string& out, int field, Kind kind) {
    varint(out, static_cast<uint64_t>(field << 3 | kind));
}

void bytesField(std::string& out, int field, std::string_view bytes) {
    key(out, field, Bytes);
    varint(out, bytes.size());
    out += bytes;
}

void numberField(std::string& out, int field, uint64_t value) {
    key(out, field, Varint);
    varint(out, value);
}

template <class T>
T element(const GgufArray& array, uint64_t index) {
    T value{};
    std::memcpy(&value, array.bytes.data() + index * sizeof(T), sizeof(T));
    return value;
}

std::string_view view(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

const GgufArray* find(const GgufHeader& header, const char* name) {
    const auto found = header.arrays.find(name);
    return found == header.arrays.end() ? nullptr : &found->second;
}

}  // namespace

std::string ggufVocabulary(const GgufHeader& header) {
    const auto kind = header.texts.find("tokenizer.ggml.model");
    const GgufArray* tokens = find(header, "tokenizer.ggml.tokens");
    const GgufArray* scores = find(header, "tokenizer.ggml.scores");
    const GgufArray* types = find(header, "tokenizer.ggml.token_type");
    if (kind == header.texts.end() || kind->second != "t5" || !tokens || !scores || !types)
        return "";
    if (tokens->type != kText || scores->type != kF32 || types->type != kI32 ||
        scores->count != tokens->count || types->count != tokens->count)
        return "";
    std::string model;
    uint64_t at = 0;
    for (uint64_t i = 0; i < tokens->count; ++i) {
        uint64_t length = 0;
        std::memcpy(&length, tokens->bytes.data() + at, sizeof length);
        std::string piece;
        bytesField(piece, 1, view(tokens->bytes.subspan(at + sizeof length, length)));
        at += sizeof length + length;
        key(piece, 2, FourBytes);
        const auto score = element<float>(*scores, i);
        piece.append(reinterpret_cast<const char*>(&score), sizeof score);
        numberField(piece, 3, static_cast<uint32_t>(element<int32_t>(*types, i)));
        bytesField(model, 1, piece);
    }
    std::string normaliser;
    if (const GgufArray* map = find(header, "tokenizer.ggml.precompiled_charsmap");
        map != nullptr && (map->type == kU8 || map->type == kI8))
        bytesField(normaliser, 2, view(map->bytes));
    const auto flag = [&](int field, const char* name) {
        const auto found = header.flags.find(name);
        numberField(normaliser, field, found == header.flags.end() || found->second ? 1 : 0);
    };
    flag(3, "tokenizer.ggml.add_space_prefix");
    flag(4, "tokenizer.ggml.remove_extra_whitespaces");
    bytesField(model, 3, normaliser);
    return model;
}

}  // namespace derrumbe::model
