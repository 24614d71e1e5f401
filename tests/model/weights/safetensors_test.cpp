#include "model/weights/safetensors.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "model/weights/safetensors_header.h"
#include "support/strings.h"

using namespace derrumbe;
using namespace derrumbe::model;
namespace fs = std::filesystem;

namespace {

/// A folder that is gone at the end of the test.
struct Scratch {
    fs::path path;
    Scratch() {
        std::string name = (fs::temp_directory_path() / "safetensors_XXXXXX").string();
        path = ::mkdtemp(name.data());
    }
    ~Scratch() { fs::remove_all(path); }
};

void write(const fs::path& file, const std::string& bytes) {
    std::ofstream(file, std::ios::binary) << bytes;
}

std::string little(uint64_t value) {
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &value, 8);
    return bytes;
}

std::string whole(const std::string& header, const std::string& data) {
    return little(header.size()) + header + data;
}

/// The message of the Error(Model) that `act` must throw.
template <class Act>
std::string refusal(const Act& act) {
    try {
        act();
    } catch (const Error& error) {
        CHECK(error.code() == ExitCode::Model);
        return error.what();
    }
    FAIL("nothing was thrown");
    return "";
}

std::string headerRefusal(const std::string& header, uint64_t dataBytes) {
    INFO(header.substr(0, 200));
    return refusal([&] { parseSafetensorsHeader(header, dataBytes, "bad.safetensors"); });
}

bool says(const std::string& message, const std::string& part) {
    INFO(message);
    return message.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("tensors of every dtype come back as written", "[weights]") {
    const Scratch scratch;
    const fs::path file = scratch.path / "all.safetensors";
    std::map<std::string, at::Tensor> tensors;
    for (const at::ScalarType type :
         {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16, at::kLong, at::kInt, at::kShort,
          at::kChar, at::kByte, at::kBool, at::kFloat8_e4m3fn, at::kFloat8_e5m2})
        tensors[c10::toString(type)] = at::arange(6, at::kFloat).sub(2).abs().view({2, 3}).to(type);
    tensors["strided"] = at::arange(12, at::kFloat).view({3, 4}).t();
    tensors["empty"] = at::empty({0, 5}, at::kFloat);
    tensors["scalar"] = at::full({}, 7.0f);
    tensors["a \"quoted\"\nname"] = at::zeros({1});
    writeSafetensors(file, tensors, {{"step", "12"}, {"note", "a\"b"}});

    const auto source = openSafetensors(file);
    CHECK(source->metadata().at("step") == "12");
    CHECK(source->metadata().at("note") == "a\"b");
    CHECK(source->metadata().at("format") == "pt");
    REQUIRE(source->tensors().size() == tensors.size());
    for (const auto& [name, tensor] : tensors) {
        INFO(name);
        const at::Tensor back = source->read(name);
        CHECK(back.scalar_type() == tensor.scalar_type());
        REQUIRE(back.sizes() == tensor.sizes());
        CHECK(at::equal(back.to(at::kDouble), tensor.to(at::kDouble)));
    }
    CHECK(says(refusal([&] { source->read("nobody"); }), "nobody"));
}

TEST_CASE("a mapped tensor is not a copy and outlives its source", "[weights]") {
    const Scratch scratch;
    const fs::path file = scratch.path / "a.safetensors";
    writeSafetensors(file, {{"x", at::arange(1000, at::kFloat)}});
    auto source = openSafetensors(file);
    const at::Tensor one = source->read("x"), two = source->read("x");
    CHECK(one.const_data_ptr() == two.const_data_ptr());
    source.reset();
    CHECK(one.sum().item<float>() == 499500);
}

TEST_CASE("data off its alignment is still read", "[weights]") {
    // Old writers did not pad the header; here the float begins at an odd address.
    const Scratch scratch;
    const fs::path file = scratch.path / "odd.safetensors";
    const float value = 1.5f;
    std::string data("\x07", 1);
    data.append(reinterpret_cast<const char*>(&value), 4);
    write(file, whole(R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                      R"("x":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})",
                      data));
    CHECK(openSafetensors(file)->read("x").item<float>() == 1.5f);
    CHECK(openSafetensors(file)->read("b").item<int>() == 7);
}

TEST_CASE("booleans of a file are made 0 or 1", "[weights]") {
    const Scratch scratch;
    const fs::path file = scratch.path / "bool.safetensors";
    write(file, whole(R"({"b":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}})",
                      std::string("\x00\x01\x37", 3)));
    const at::Tensor read = openSafetensors(file)->read("b");
    CHECK(read.sum().item<int64_t>() == 2);
}

TEST_CASE("hostile headers are refused", "[weights][hostile]") {
    const std::string good = R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
    CHECK(parseSafetensorsHeader(good, 8, "good").entries.size() == 1);
    CHECK(parseSafetensorsHeader(good + "   ", 8, "good").entries.size() == 1);
    CHECK(parseSafetensorsHeader("{}", 0, "good").entries.empty());

    CHECK(says(headerRefusal("", 0), "begin with {"));
    CHECK(says(headerRefusal(" " + good, 8), "begin with {"));
    CHECK(says(headerRefusal("[]", 0), "begin with {"));
    CHECK(says(headerRefusal(good.substr(0, 30), 8), "not JSON"));
    CHECK(says(headerRefusal(good + "{}", 8), "not JSON"));
    CHECK(says(headerRefusal("{\"x\":\xff\xfe}", 8), "not JSON"));
    // depth: arrays in arrays, objects in objects, by the hundred thousand
    CHECK_FALSE(
        headerRefusal("{\"x\":" + std::string(100000, '[') + std::string(100000, ']') + "}", 0)
            .empty());
    std::string deep = "{";
    for (int i = 0; i < 100000; ++i) deep += "\"a\":{";
    CHECK_FALSE(headerRefusal(deep, 0).empty());

    const auto entry = [](const std::string& dtype, const std::string& shape,
                          const std::string& offsets) {
        return R"({"x":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" +
               offsets + "}}";
    };
    CHECK(says(headerRefusal(entry("F33", "[2]", "[0,8]"), 8), "dtype"));
    CHECK(says(headerRefusal(entry("F32", "[3]", "[0,8]"), 8), "shape asks for 12"));
    CHECK(says(headerRefusal(entry("F32", "[2]", "[0,9]"), 8), "outside the file"));
    CHECK(says(headerRefusal(entry("F32", "[2]", "[8,0]"), 8), "outside the file"));
    CHECK(says(headerRefusal(entry("F32", "[2]", "[0,18446744073709551615]"), 8), "outside"));
    CHECK(says(headerRefusal(entry("F32", "[2]", "[4,12]"), 12), "hole"));
    CHECK(says(headerRefusal(entry("F32", "[2]", "[0,8]"), 12), "belong to no tensor"));
    CHECK(says(headerRefusal(entry("F32", "[-2]", "[0,8]"), 8), "negative"));
    CHECK(says(headerRefusal(entry("F32", "[2.0]", "[0,8]"), 8), "wrong type"));
    CHECK(says(headerRefusal(entry("F32", "[18446744073709551616]", "[0,8]"), 8), "wrong type"));
    CHECK(says(headerRefusal(entry("F32", "[18446744073709551615]", "[0,8]"), 8), "huge"));
    // 2^32 * 2^32 elements wrap to 0 in 64 bits; a zero in the shape does not excuse it
    CHECK(says(headerRefusal(entry("F32", "[4294967296,4294967296]", "[0,0]"), 0), "overflows"));
    CHECK(says(headerRefusal(entry("F32", "[0,4294967296,4294967296]", "[0,0]"), 0), "overflows"));
    CHECK(says(headerRefusal(entry("F32", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2]", "[0,8]"), 8),
               "dimensions"));
    CHECK(says(headerRefusal(entry("F32", "[[2]]", "[0,8]"), 8), "wrong type"));
    CHECK(says(headerRefusal(entry("F32", "{\"a\":1}", "[0,8]"), 8), "wrong type"));
    CHECK(says(headerRefusal(entry("F32", "2", "[0,8]"), 8), "wrong type"));
    CHECK(says(headerRefusal(entry("F32", "[2]", "[0]"), 8), "two numbers"));
    CHECK(says(headerRefusal(entry("F32", "[2]", "[0,8,8]"), 8), "two numbers"));
    CHECK(says(headerRefusal(entry("F32", "[null]", "[0,8]"), 8), "wrong type"));
    CHECK(says(headerRefusal(R"({"x":{"dtype":32,"shape":[2],"data_offsets":[0,8]}})", 8),
               "wrong type"));
    CHECK(says(headerRefusal(R"({"x":{"dtype":"F32","shape":[2]}})", 8), "missing"));
    CHECK(says(
        headerRefusal(R"({"x":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8),
        "twice"));
    CHECK(says(headerRefusal(R"({"x":{"more":1}})", 8), "unknown field"));
    CHECK(says(headerRefusal(R"({"x":[]})", 8), "wrong type"));
    CHECK(says(headerRefusal(R"({"x":"F32"})", 8), "wrong type"));
    CHECK(says(headerRefusal(R"({"__metadata__":{"a":1}})", 0), "wrong type"));
    CHECK(says(headerRefusal(R"({"__metadata__":{"a":{}}})", 0), "wrong type"));
    const std::string x = R"("x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
    CHECK(says(headerRefusal("{" + x + "," + x + "}", 8), "twice"));
    CHECK(says(
        headerRefusal("{" + x + R"(,"y":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", 12),
        "overlapping"));
    CHECK(says(
        headerRefusal("{" + x + R"(,"y":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8),
        "overlapping"));
    // what is printed of a name is escaped and cut
    const std::string long_name(100000, 'n');
    CHECK(headerRefusal("{\"" + long_name + "\\u001b\":1}", 0).size() < 1000);
}

TEST_CASE("hostile files are refused", "[weights][hostile]") {
    const Scratch scratch;
    const fs::path file = scratch.path / "bad.safetensors";
    const auto opening = [&](const std::string& bytes) {
        write(file, bytes);
        return refusal([&] { openSafetensors(file); });
    };
    CHECK(says(opening(""), "shorter"));
    CHECK(says(opening("1234567"), "shorter"));
    CHECK(says(opening(little(1) + ""), "claims 1 bytes"));
    CHECK(says(opening(little(~uint64_t{0}) + "{}"), "claims"));
    CHECK(says(opening(little(kLongestSafetensorsHeader + 1) + "{}"), "claims"));
    CHECK(says(opening(little(0)), "begin with {"));
    CHECK(says(refusal([&] { openSafetensors(scratch.path / "absent.safetensors"); }),
               "cannot be opened"));
    REQUIRE(fs::create_directory(scratch.path / "folder.safetensors"));
    CHECK(says(refusal([&] { openSafetensors(scratch.path / "folder.safetensors"); }),
               "no .safetensors file"));
}

TEST_CASE("random damage to a file never gets past the checks", "[weights][hostile]") {
    const Scratch scratch;
    const fs::path file = scratch.path / "a.safetensors";
    writeSafetensors(file, {{"a", at::zeros({3, 4})}, {"b", at::zeros({5}, at::kLong)}});
    std::ifstream in(file, std::ios::binary);
    const std::string good{std::istreambuf_iterator<char>(in), {}};
    std::mt19937 random(1);
    int refused = 0;
    for (int round = 0; round < 2000; ++round) {
        std::string bytes = good;
        for (unsigned flips = 1 + random() % 3; flips > 0; --flips)
            bytes[random() % (good.size() - 88)] = static_cast<char>(random());
        if (random() % 4 == 0) bytes.resize(random() % bytes.size());
        write(file, bytes);
        try {
            const auto source = openSafetensors(file);
            for (const auto& [name, info] : source->tensors()) source->read(name).sum();
        } catch (const Error& error) {
            CHECK(error.code() == ExitCode::Model);
            ++refused;
        }
    }
    CHECK(refused > 1000);
}

TEST_CASE("shards are read through their index", "[weights]") {
    const Scratch scratch;
    const fs::path& dir = scratch.path;
    writeSafetensors(dir / "m-1-of-2.safetensors", {{"a", at::full({2}, 1.0f)}});
    writeSafetensors(dir / "m-2-of-2.safetensors", {{"b", at::full({3}, 2.0f)}});
    const auto index = [&](const std::string& map) {
        write(dir / "m.safetensors.index.json",
              R"({"metadata":{"total_size":20},"weight_map":{)" + map + "}}");
    };
    index(R"("a":"m-1-of-2.safetensors","b":"m-2-of-2.safetensors")");
    const auto source = openSafetensors(dir);
    CHECK(source->files().size() == 2);
    CHECK(source->read("b").sum().item<float>() == 6);

    const auto refused = [&] { return refusal([&] { openSafetensors(dir); }); };
    index(R"("a":"m-1-of-2.safetensors","c":"m-2-of-2.safetensors","d":"m-1-of-2.safetensors")");
    const std::string both = refused();
    CHECK(says(both, "\"c\" is not in"));
    CHECK(says(both, "\"d\" is not in"));
    for (const char* name : {"../m-1-of-2.safetensors", "/etc/passwd", "sub/m.safetensors", "",
                             "..", ".", "a\\\\b", "a\\u0000b"}) {
        INFO(name);
        index(std::string("\"a\":\"") + name + "\"");
        CHECK(says(refused(), "not the name of a file in this folder"));
    }
    index(R"("a":7)");
    CHECK(says(refused(), "text was expected"));
    index("");
    CHECK(says(refused(), "names no tensor"));
    write(dir / "m.safetensors.index.json", "{");
    CHECK(says(refused(), "m.safetensors.index.json:1:"));
    index(R"("a":"gone.safetensors","b":"lost.safetensors")");
    const std::string missing = refused();
    CHECK(says(missing, "gone.safetensors"));
    CHECK(says(missing, "lost.safetensors"));
    // the same tensor in two shards
    writeSafetensors(dir / "m-2-of-2.safetensors",
                     {{"a", at::full({2}, 5.0f)}, {"b", at::ones({3})}});
    index(R"("a":"m-1-of-2.safetensors","b":"m-2-of-2.safetensors")");
    CHECK(says(refused(), "as well"));
}

TEST_CASE("a folder without an index is its one file", "[weights]") {
    const Scratch scratch;
    const auto refused = [&] { return refusal([&] { openSafetensors(scratch.path); }); };
    CHECK(says(refused(), "no .safetensors file"));
    write(scratch.path / "pytorch_model.bin", "x");
    CHECK(says(refused(), "pickled weights are never opened"));
    writeSafetensors(scratch.path / "other.safetensors", {{"a", at::ones({1})}});
    CHECK(openSafetensors(scratch.path)->tensors().count("a") == 1);
    writeSafetensors(scratch.path / "another.safetensors", {{"b", at::ones({1})}});
    CHECK(says(refused(), "several"));
    writeSafetensors(scratch.path / "model.safetensors", {{"c", at::ones({1})}});
    CHECK(openSafetensors(scratch.path)->tensors().count("c") == 1);
}

namespace {

/// Bytes of files that this process has in its own memory.
int64_t residentFileBytes() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.rfind("RssFile:", 0) == 0) return std::stoll(line.substr(8)) * 1024;
    return 0;
}

}  // namespace

TEST_CASE("pages of a tensor that is not needed any more leave the process", "[safetensors]") {
    const Scratch scratch;
    const at::Tensor values = at::rand({16 << 20});
    const auto bytes = static_cast<int64_t>(values.nbytes());
    writeSafetensors(scratch.path / "m.safetensors", {{"large", values}, {"small", at::ones({3})}});
    const auto source = openSafetensors(scratch.path / "m.safetensors");
    const at::Tensor small = source->read("small");
    const int64_t before = residentFileBytes();
    at::Tensor large = source->read("large");
    CHECK(large.sum().item<float>() > 0);
    CHECK(residentFileBytes() - before > bytes * 3 / 4);
    large.reset();
    CHECK(residentFileBytes() - before < bytes / 4);
    // They come back when they are read again.
    CHECK(at::equal(source->read("large"), values));
    CHECK(small.sum().item<float>() == 3);
}
