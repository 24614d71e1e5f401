#include "image/cryptomatte.h"

#include <bit>
#include <catch2/catch.hpp>
#include <fstream>

#include "fixtures.h"
#include "image/matte.h"
#include "image/write_exr.h"
#include "support/error.h"

using namespace derrumbe;
using namespace derrumbe::image;
using Catch::Matchers::Contains;

namespace {

/// Two pixels: bunny 0.75 + torus 0.25; torus 1. `words` as Arnold or others name the channels.
void writeCrypto(const std::string& file, const std::string& layer, const std::string& manifest,
                 const std::string& sideCar, const std::vector<std::string>& words,
                 PixelType type = PixelType::Float) {
    Frame frame;
    frame.data = frame.display = {0, 0, 2, 1};
    for (const std::string& word : words) frame.channels.push_back(layer + "00." + word);
    const float bunny = std::bit_cast<float>(cryptomatteId("bunny")),
                torus = std::bit_cast<float>(cryptomatteId("torus"));
    frame.pixels = {bunny, 0.75f, torus, 0.25f, torus, 1, 0, 0};
    ExrOutput output;
    addFrame(output, frame, std::vector<PixelType>(4, type));
    const std::string key = "cryptomatte/ab12cd3";
    output.metadata = {{key + "/name", layer},
                       {key + "/hash", "MurmurHash3_32"},
                       {key + "/conversion", "uint32_to_float32"}};
    if (!manifest.empty()) output.metadata[key + "/manifest"] = manifest;
    if (!sideCar.empty()) output.metadata[key + "/manif_file"] = sideCar;
    writeExr(file, output);
}

std::string hex(std::uint32_t value) {
    char text[16];
    std::snprintf(text, sizeof text, "%08x", value);
    return text;
}

std::string manifest() {
    return "{\"bunny\": \"" + hex(cryptomatteId("bunny")) + "\",\n \"torus\":\"" +
           hex(cryptomatteId("torus")) + "\"}";
}

std::vector<float> matteOf(const std::string& file, const std::string& layer,
                           const std::vector<std::string>& names) {
    MatteRequest request;
    request.file = file;
    request.cryptomatteLayer = layer;
    request.cryptomatteNames = names;
    checkMatte(request, {0, 0, 2, 1}, {0, 0, 2, 1});
    return readMatte(request, {0, 0, 2, 1}, {0, 0, 2, 1}).values;
}

}  // namespace

TEST_CASE("hashes are the published ones", "[cryptomatte]") {
    CHECK(murmurHash3("") == 0);
    CHECK(murmurHash3("hello") == 0x248bfa47);
    CHECK(murmurHash3("hello, world") == 0x149bbb7f);
    CHECK(murmurHash3("The quick brown fox jumps over the lazy dog") == 0x2e4ff723);
    // The specification's own vector.
    CHECK(cryptomatteId("torus") == 4053562365u);
    CHECK(std::bit_cast<float>(cryptomatteId("torus")) == Approx(-1.54943624832e+30));
}

TEST_CASE("wildcards", "[cryptomatte]") {
    CHECK(matchesWildcard("bld_*", "bld_tower_2"));
    CHECK(matchesWildcard("*tower*", "bld_tower_2"));
    CHECK(matchesWildcard("b?d*2", "bld_tower_2"));
    CHECK_FALSE(matchesWildcard("bld_?", "bld_22"));
    CHECK_FALSE(matchesWildcard("tower", "bld_tower"));
    CHECK(matchesWildcard("*", ""));
    CHECK_FALSE(matchesWildcard(std::string(200, '*') + "x", std::string(5000, 'a')));
}

TEST_CASE("objects are found by name and by wildcard, in every spelling of channels",
          "[cryptomatte]") {
    TemporaryFolder folder;
    const std::string file = folder.file("c.exr");
    for (const auto& words : {std::vector<std::string>{"R", "G", "B", "A"},
                              std::vector<std::string>{"r", "g", "b", "a"},
                              std::vector<std::string>{"red", "green", "blue", "alpha"}}) {
        writeCrypto(file, "crypto_object", manifest(), "", words);
        CHECK(matteOf(file, "crypto_object", {"bunny"}) == std::vector<float>{0.75f, 0});
        CHECK(matteOf(file, "Crypto_Object", {"torus"}) == std::vector<float>{0.25f, 1});
        CHECK(matteOf(file, "crypto_object", {"*"}) == std::vector<float>{1, 1});
        CHECK(matteOf(file, "crypto_object", {"b*", "t?rus"}) == std::vector<float>{1, 1});
    }
}

TEST_CASE("the manifest may lie beside the picture, not elsewhere", "[cryptomatte]") {
    TemporaryFolder folder;
    const std::string file = folder.file("c.exr");
    std::ofstream(folder.file("c.json")) << manifest();
    writeCrypto(file, "CryptoObject", "", "c.json", {"R", "G", "B", "A"});
    CHECK(matteOf(file, "CryptoObject", {"bun*"}) == std::vector<float>{0.75f, 0});
    for (const char* path : {"../c.json", "/etc/passwd", "a/../../c.json"}) {
        writeCrypto(file, "CryptoObject", "", path, {"R", "G", "B", "A"});
        CHECK_THROWS_WITH(matteOf(file, "CryptoObject", {"bun*"}), Contains("outside"));
    }
}

TEST_CASE("without a manifest plain names still work", "[cryptomatte]") {
    TemporaryFolder folder;
    const std::string file = folder.file("c.exr");
    writeCrypto(file, "CryptoObject", "", "", {"R", "G", "B", "A"});
    CHECK(matteOf(file, "CryptoObject", {"torus"}) == std::vector<float>{0.25f, 1});
    CHECK_THROWS_WITH(matteOf(file, "CryptoObject", {"t*"}), Contains("no manifest"));
}

TEST_CASE("what is not there is said", "[cryptomatte]") {
    TemporaryFolder folder;
    const std::string file = folder.file("c.exr");
    writeCrypto(file, "CryptoObject", manifest(), "", {"R", "G", "B", "A"});
    CHECK_THROWS_WITH(matteOf(file, "CryptoAsset", {"torus"}), Contains("CryptoObject"));
    CHECK_THROWS_WITH(matteOf(file, "CryptoObject", {"bunnny"}), Contains("did you mean 'bunny'"));
    CHECK_THROWS_AS(matteOf(file, "CryptoObject", {"car*"}), Error);
    writeCrypto(file, "CryptoObject", manifest(), "", {"R", "G", "B", "A"}, PixelType::Half);
    CHECK_THROWS_WITH(matteOf(file, "CryptoObject", {"torus"}), Contains("half"));
    for (const char* damaged : {"{", "{\"a\":\"zz\"}", "{\"a\"}", "[1]", "{\"a\":\"\\ud800\"}",
                                "{\"\\", "{\"a\":\"123456789\"}"}) {
        writeCrypto(file, "CryptoObject", damaged, "", {"R", "G", "B", "A"});
        CHECK_THROWS_WITH(matteOf(file, "CryptoObject", {"torus"}), Contains("manifest"));
    }
}
