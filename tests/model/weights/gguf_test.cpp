#include "model/weights/gguf.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "../test_device.h"
#include "gguf_bytes.h"
#include "model/weights/gguf_operators.h"
#include "model/weights/gguf_vocabulary.h"

using namespace derrumbe;
using namespace derrumbe::model;

namespace {

GgufBytes small() {
    GgufBytes file;
    file.metadata = {GgufBytes::text("general.architecture", "wan"),
                     GgufBytes::number<uint32_t>("general.file_type", 4, 7),
                     GgufBytes::number<uint8_t>("flag", 7, 1),
                     GgufBytes::number<double>("wide", 12, 0.5),
                     GgufBytes::numbers<float>("scores", 6, {1, 2, 3}),
                     GgufBytes::string("tokens") + GgufBytes::raw<uint32_t>(9) +
                         GgufBytes::raw<uint32_t>(8) + GgufBytes::raw<uint64_t>(2) +
                         GgufBytes::string("a") + GgufBytes::string("longer")};
    file.tensors = {{"x.weight", {3, 2}, 0, 0}, {"q", {32}, 8, 32}};
    file.data.assign(32 + 34, '\0');
    for (int i = 0; i < 6; ++i) {
        const float value = static_cast<float>(i) + 0.5f;
        std::memcpy(file.data.data() + 4 * i, &value, 4);
    }
    const uint16_t half = 0x3800;  // 0.5
    std::memcpy(file.data.data() + 32, &half, 2);
    for (int i = 0; i < 32; ++i) file.data[34 + i] = static_cast<char>(i - 16);
    return file;
}

GgufHeader parsed(const std::string& bytes) {
    return parseGgufHeader(std::as_bytes(std::span(bytes)), "hostile.gguf");
}

std::string refusal(const std::string& bytes) {
    try {
        parsed(bytes);
    } catch (const Error& error) {
        CHECK(error.code() == ExitCode::Model);
        return error.what();
    }
    return "";
}

std::string refusal(const GgufBytes& file) {
    return refusal(file.bytes());
}

bool says(const std::string& text, const std::string& part) {
    INFO(text);
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a GGUF file's tensors are read, slowest dimension first", "[gguf]") {
    std::string name = (std::filesystem::temp_directory_path() / "gguf_XXXXXX").string();
    const std::filesystem::path folder = ::mkdtemp(name.data());
    std::ofstream(folder / "x", std::ios::binary) << small().bytes();
    const auto source = openGguf(folder / "x");
    std::filesystem::remove_all(folder);
    REQUIRE(source->tensors().size() == 2);
    CHECK(source->tensors().at("x.weight").dtype == "F32");
    const at::Tensor x = source->read("x.weight");
    REQUIRE(x.sizes() == at::IntArrayRef({2, 3}));
    CHECK(x[1][0].item<float>() == 3.5f);
    const at::Tensor q = source->read("q");
    REQUIRE(q.scalar_type() == at::kFloat);
    for (int i = 0; i < 32; ++i) CHECK(q[i].item<float>() == 0.5f * static_cast<float>(i - 16));
    CHECK_THROWS_AS(source->read("y"), Error);
    CHECK(parsed(small().bytes()).texts.at("general.architecture") == "wan");
}

TEST_CASE("operators unpack a GGUF file's blocks as the loops do, to the bit", "[gguf][device]") {
    at::manual_seed(4);
    for (const uint32_t id : {2, 3, 6, 7, 8, 12, 13, 14}) {
        const GgufType& type = *ggufType(id);
        CAPTURE(type.name);
        // All that bytes can be, but for scales that are no numbers.
        constexpr int64_t rows = 5, blocks = 3;
        at::Tensor bytes = at::randint(0, 256, {rows, blocks * type.bytes}, at::kByte);
        const std::vector<int64_t> upper = id == 14 ? std::vector<int64_t>{209}
                                           : id == 2 || id == 6 || id == 8
                                               ? std::vector<int64_t>{1}
                                               : std::vector<int64_t>{1, 3};
        for (int64_t block = 0; block < blocks; ++block)
            for (const int64_t at : upper)
                bytes.select(1, block * type.bytes + at).bitwise_and_(0xbb);
        const at::Tensor loops =
            dequantise(type, reinterpret_cast<const std::byte*>(bytes.const_data_ptr<uint8_t>()),
                       {rows, blocks * type.values});
        CHECK(loops.isfinite().all().item<bool>());
        CHECK(loops.abs().max().item<double>() > 0);
        CHECK(at::equal(dequantiseRows(type, bytes.to(testDevice())).cpu(), loops));
    }
    CHECK_THROWS_AS(dequantiseRows(*ggufType(0), at::zeros({1, 4}, at::kByte)), Error);
}

TEST_CASE("a flattened shape is restored where the file says it", "[gguf]") {
    GgufBytes file = small();
    file.metadata.push_back(
        GgufBytes::numbers<int32_t>("comfy.gguf.orig_shape.x.weight", 5, {1, 3, 2}));
    CHECK(parsed(file.bytes()).entries[0].shape == std::vector<int64_t>{1, 3, 2});
    file.metadata.back() =
        GgufBytes::numbers<int32_t>("comfy.gguf.orig_shape.x.weight", 5, {1, 3, 3});
    CHECK(says(refusal(file), "another number of values"));
    file.metadata.back() =
        GgufBytes::numbers<int32_t>("comfy.gguf.orig_shape.x.weight", 5, {-1, -6});
    CHECK(says(refusal(file), "overflows"));
}

TEST_CASE("a T5 vocabulary in the metadata is given as a SentencePiece model", "[gguf]") {
    GgufBytes file = small();
    const std::string tokens = GgufBytes::string("tokenizer.ggml.tokens") +
                               GgufBytes::raw<uint32_t>(9) + GgufBytes::raw<uint32_t>(8) +
                               GgufBytes::raw<uint64_t>(2) + GgufBytes::string("<unk>") +
                               GgufBytes::string("ab");
    file.metadata = {GgufBytes::text("tokenizer.ggml.model", "t5"), tokens,
                     GgufBytes::numbers<float>("tokenizer.ggml.scores", 6, {0, -1.5f}),
                     GgufBytes::numbers<int32_t>("tokenizer.ggml.token_type", 5, {2, 1}),
                     GgufBytes::number<uint8_t>("tokenizer.ggml.add_space_prefix", 7, 0)};
    const std::string expected = std::string("\x0a\x0e\x0a\x05<unk>\x15\0\0\0\0\x18\x02", 16) +
                                 std::string("\x0a\x0b\x0a\x02", 4) + "ab" +
                                 std::string("\x15\0\0\xc0\xbf\x18\x01", 7) +
                                 std::string("\x1a\x04\x18\x00\x20\x01", 6);
    CHECK(ggufVocabulary(parsed(file.bytes())) == expected);
    file.metadata[3] = GgufBytes::numbers<int32_t>("tokenizer.ggml.token_type", 5, {2});
    CHECK(ggufVocabulary(parsed(file.bytes())) == "");
    file.metadata.erase(file.metadata.begin());
    CHECK(ggufVocabulary(parsed(file.bytes())) == "");
}

TEST_CASE("GGUF headers trust nothing", "[gguf][hostile]") {
    GgufBytes file = small();
    const auto with = [&](auto change) {
        GgufBytes other = small();
        change(other);
        return refusal(other);
    };
    CHECK(refusal(file) == "");
    CHECK(says(refusal(std::string("GGUX") + std::string(60, '\0')), "does not begin"));
    CHECK(says(with([](GgufBytes& f) { f.version = 1; }), "version 1"));
    CHECK(says(with([](GgufBytes& f) { f.version = 0x03000000; }), "big endian"));
    CHECK(says(with([](GgufBytes& f) { f.claimedTensors = uint64_t{1} << 60; }), "claims"));
    CHECK(says(with([](GgufBytes& f) { f.claimedValues = uint64_t{1} << 60; }), "claims"));
    CHECK(says(with([](GgufBytes& f) { f.tensors[1].name = "x.weight"; }), "twice"));
    CHECK(says(with([](GgufBytes& f) { f.metadata.push_back(f.metadata[0]); }), "given twice"));
    CHECK(says(with([](GgufBytes& f) { f.tensors[0].type = 77; }), "of type 77"));
    CHECK(says(with([](GgufBytes& f) { f.tensors[0].sizes = {3, 0}; }), "is 0"));
    CHECK(says(with([](GgufBytes& f) { f.tensors[0].sizes = {~uint64_t{0}}; }), "a dimension"));
    CHECK(says(with([](GgufBytes& f) {
                   f.tensors[0].sizes = {uint64_t{1} << 40, uint64_t{1} << 40};
               }),
               "overflows"));
    CHECK(says(with([](GgufBytes& f) { f.tensors[0].sizes.assign(9, 1); }), "9 dimensions"));
    CHECK(says(with([](GgufBytes& f) { f.tensors[1].sizes = {16, 2}; }), "multiples of 32"));
    CHECK(says(with([](GgufBytes& f) { f.tensors[1].offset = 33; }), "not aligned"));
    CHECK(says(with([](GgufBytes& f) { f.tensors[1].offset = 0; }), "overlapping"));
    CHECK(says(with([](GgufBytes& f) { f.tensors[1].offset = 64; }), "outside"));
    CHECK(says(with([](GgufBytes& f) { f.tensors[1].offset = ~uint64_t{31}; }), "outside"));
    CHECK(says(with([](GgufBytes& f) { f.data.pop_back(); }), "outside"));
    CHECK(says(with([](GgufBytes& f) {
                   f.metadata.push_back(GgufBytes::number<uint32_t>("general.alignment", 4, 24));
               }),
               "alignment is 24"));
    CHECK(says(with([](GgufBytes& f) {
                   f.metadata.push_back(GgufBytes::number<uint32_t>("general.alignment", 4, 0));
               }),
               "alignment is 0"));
    CHECK(says(
        with([](GgufBytes& f) { f.metadata.push_back(GgufBytes::number<uint8_t>("odd", 99, 0)); }),
        "unknown type 99"));
    CHECK(says(with([](GgufBytes& f) {
                   f.metadata.push_back(GgufBytes::string("nested") + GgufBytes::raw<uint32_t>(9) +
                                        GgufBytes::raw<uint32_t>(9) + GgufBytes::raw<uint64_t>(1));
               }),
               "unknown type 9"));
    CHECK(says(with([](GgufBytes& f) {
                   f.metadata.push_back(GgufBytes::string("much") + GgufBytes::raw<uint32_t>(9) +
                                        GgufBytes::raw<uint32_t>(11) +
                                        GgufBytes::raw(~uint64_t{0}));
               }),
               "claims"));
    CHECK(says(with([](GgufBytes& f) {
                   f.metadata.push_back(GgufBytes::string(std::string(2000, 'k')) +
                                        GgufBytes::raw<uint32_t>(0) + "x");
               }),
               "2000 bytes"));
}

TEST_CASE("no cut and no changed byte of a GGUF file gets past the checks", "[gguf][hostile]") {
    const std::string whole = small().bytes();
    for (size_t length = 0; length < whole.size(); ++length)
        CHECK_FALSE(refusal(whole.substr(0, length)).empty());
    for (size_t at = 0; at < small().header().size(); ++at) {
        for (const unsigned char value : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
            std::string changed = whole;
            changed[at] = static_cast<char>(value);
            try {
                for (const GgufEntry& entry : parsed(changed).entries) {
                    CHECK(entry.end <= changed.size());
                    CHECK(entry.begin <= entry.end);
                }
            } catch (const Error& error) {
                CHECK(error.code() == ExitCode::Model);
            }
        }
    }
}
