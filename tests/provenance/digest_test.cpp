#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <random>

#include "provenance/digest.h"
#include "provenance/machine.h"

using namespace derrumbe;
using namespace derrumbe::provenance;

namespace {

std::filesystem::path scratch() {
    const auto path = std::filesystem::temp_directory_path() /
                      ("derrumbe_digest_" + std::to_string(std::random_device()()));
    std::filesystem::create_directories(path);
    return path;
}

}  // namespace

TEST_CASE("SHA-256 gives FIPS 180-4's example digests", "[digest]") {
    CHECK(sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK(sha256(std::string(1000000, 'a')) ==
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    CHECK(Sha256().update("a").update("").update("bc").hex() == sha256("abc"));
}

TEST_CASE("a file's digest is that of its bytes, over piece borders", "[digest]") {
    const auto folder = scratch();
    for (const size_t size : {size_t{0}, size_t{1}, (size_t{1} << 20) - 1, size_t{1} << 20,
                              (size_t{1} << 20) + 1, size_t{3000000}}) {
        std::string bytes(size, '\0');
        for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + i / 253);
        std::ofstream(folder / "a", std::ios::binary) << bytes;
        std::uint64_t last = 0;
        CHECK(sha256File(folder / "a", ExitCode::Input, [&](std::uint64_t read) { last = read; }) ==
              sha256(bytes));
        CHECK(last == size);
    }
    CHECK_THROWS_WITH(sha256File(folder / "none"), Catch::Contains("none: error: no such file"));
    CHECK_THROWS_WITH(sha256File(folder), Catch::Contains("not a file"));
    try {
        sha256File(folder / "none", ExitCode::Model);
        FAIL("was found");
    } catch (const Error& error) {
        CHECK(error.code() == ExitCode::Model);
    }
    std::filesystem::remove_all(folder);
}

TEST_CASE("a picture's digest is that of its little-endian floats", "[digest]") {
    Frame frame;
    frame.data = {0, 0, 2, 1};
    frame.channels = {"R"};
    frame.pixels = {1.0f, -2.5f};
    CHECK(sha256Pixels(frame) == sha256(std::string_view("\x00\x00\x80\x3f\x00\x00\x20\xc0", 8)));
    frame.pixels[1] = -2.5000002f;
    CHECK(sha256Pixels(frame) != sha256(std::string_view("\x00\x00\x80\x3f\x00\x00\x20\xc0", 8)));
}

TEST_CASE("only 64 lower-case hexadecimal digits are a SHA-256", "[digest]") {
    CHECK(isSha256(sha256("x")));
    CHECK_FALSE(isSha256(""));
    CHECK_FALSE(isSha256(std::string(64, 'A')));
    CHECK_FALSE(isSha256(std::string(63, 'a')));
}

TEST_CASE("the machine is described, and use grows with work", "[machine]") {
    const Machine machine = describeMachine();
    CHECK_FALSE(machine.hostname.empty());
    CHECK_FALSE(machine.operatingSystem.empty());
    CHECK(machine.cpuThreads >= 1);
    CHECK(machine.memoryBytes > (std::uint64_t{64} << 20));
    const ProcessUse before = processUse();
    std::vector<char> block(size_t{64} << 20, 1);
    const ProcessUse after = processUse();
    CHECK(after.peakBytes >= block.size());
    CHECK(after.peakBytes >= before.peakBytes);
    CHECK(after.cpuSeconds >= before.cpuSeconds);
}
