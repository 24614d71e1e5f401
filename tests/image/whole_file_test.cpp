#include "image/whole_file.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "fixtures.h"
#include "image/read_frame.h"
#include "image/write_exr.h"
#include "support/error.h"

using namespace derrumbe;
using namespace derrumbe::image;
using Catch::Matchers::Contains;

namespace {

Frame picture() {
    return patternFrame({-3, -2, 70, 61}, {0, 0, 64, 56}, {"R", "G", "B", "A"}, false);
}

/// A little TIFF of 32-bit integers, which OpenImageIO reads and does not write: header, samples,
/// directory.
void writeIntegerTiff(const std::string& file, const Frame& frame) {
    std::string bytes = "II*";
    const auto put = [&](std::uint64_t value, int count) {
        for (int i = 0; i < count; ++i) bytes += static_cast<char>(value >> 8 * i & 255);
    };
    const auto size = static_cast<std::uint32_t>(frame.pixels.size() * 4);
    put(0, 1);
    put(8 + size, 4);
    for (const float value : frame.pixels)
        put(static_cast<std::uint32_t>(double(value) * 4294967295.0 + 0.5), 4);
    const std::uint32_t lists = 8 + size + 2 + 10 * 12 + 4;  // behind the directory
    const std::uint32_t entries[10][4] = {
        {256, 3, 1, static_cast<std::uint32_t>(frame.data.width)},
        {257, 3, 1, static_cast<std::uint32_t>(frame.data.height)},
        {258, 3, 3, lists},  // bits: 32, 32, 32
        {259, 3, 1, 1},      // not compressed
        {262, 3, 1, 2},      // RGB
        {273, 4, 1, 8},      // the samples' place
        {277, 3, 1, 3},      // samples a pixel
        {278, 3, 1, static_cast<std::uint32_t>(frame.data.height)},
        {279, 4, 1, size},
        {339, 3, 3, lists + 6},  // unsigned, unsigned, unsigned
    };
    put(10, 2);
    for (const auto& entry : entries) {
        put(entry[0], 2);
        put(entry[1], 2);
        put(entry[2], 4);
        put(entry[3], 4);
    }
    put(0, 4);
    for (int i = 0; i < 3; ++i) put(32, 2);
    for (int i = 0; i < 3; ++i) put(1, 2);
    std::ofstream(file, std::ios::binary) << bytes;
}

/// Cut at any byte behind its header, a file must be known to be cut.
void checkCuts(const std::string& file) {
    INFO(file);
    CHECK_NOTHROW(checkWhole(probe(file)));
    const std::string whole = bytesOf(file);
    for (const double share : {0.999, 0.9, 0.6}) {
        INFO(share);
        std::ofstream(file, std::ios::binary)
            << whole.substr(0, static_cast<size_t>(static_cast<double>(whole.size()) * share));
        CHECK_THROWS_WITH(checkWhole(probe(file)), Contains("cut off") && Contains(file));
    }
    std::ofstream(file, std::ios::binary) << whole.substr(0, whole.size() - 1);
    CHECK_THROWS_AS(checkWhole(probe(file)), Error);
}

}  // namespace

TEST_CASE("an EXR that is cut off is known by its table of chunks", "[whole]") {
    TemporaryFolder folder;
    for (const std::string& compression : compressionNames()) {
        const std::string file = folder.file(compression + ".exr");
        FixtureFormat format;
        format.compression = compression;
        writeFixture(file, picture(), format);
        checkCuts(file);
    }
    FixtureFormat tiled;
    tiled.tile = 16;
    writeFixture(folder.file("tiled.exr"), picture(), tiled);
    checkCuts(folder.file("tiled.exr"));
}

TEST_CASE("an EXR whose writer stopped has gaps in its table", "[whole]") {
    TemporaryFolder folder;
    const std::string file = folder.file("a.exr");
    FixtureFormat format;
    format.compression = "zips";
    writeFixture(file, picture(), format);
    std::uint64_t table = 0;
    readExrHeaders(file, &table);
    std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
    out.seekp(static_cast<std::streamoff>(table + 8 * 40));
    out.write("\0\0\0\0\0\0\0\0", 8);
    out.close();
    CHECK_THROWS_WITH(checkWhole(probe(file)), Contains("1 of 61"));
}

TEST_CASE("JPEG and PNG have an end", "[whole]") {
    TemporaryFolder folder;
    FixtureFormat eight;
    eight.type = "uint8";
    const Frame frame = patternFrame({0, 0, 64, 56}, {0, 0, 64, 56}, {"R", "G", "B"}, false);
    for (const char* name : {"a.png", "a.jpg"}) {
        const std::string file = folder.file(name);
        writeFixture(file, frame, eight);
        CHECK_NOTHROW(checkWhole(probe(file)));
        truncateFile(file, 0.8);
        CHECK_THROWS_WITH(checkWhole(probe(file)), Contains("cut off"));
    }
}

TEST_CASE("32-bit integers are ids in an EXR and numbers elsewhere", "[whole][read]") {
    TemporaryFolder folder;
    const Frame frame = patternFrame({0, 0, 16, 12}, {0, 0, 16, 12}, {"R", "G", "B"}, false);
    writeIntegerTiff(folder.file("a.tif"), frame);
    const PlateImage tiff = readPlate(folder.file("a.tif"));
    CHECK(tiff.types == std::vector<PixelType>(3, PixelType::Float));
    CHECK_FALSE(tiff.isFloating());
    REQUIRE_FALSE(tiff.notes.empty());
    CHECK_THAT(tiff.notes.back(), Contains("32-bit integers"));
    CHECK_NOTHROW(checkColour(tiff));
    for (size_t i = 0; i < frame.pixels.size(); ++i)
        REQUIRE(tiff.frame.pixels[i] == Approx(frame.pixels[i]).margin(1e-6));
    // Delivered as an EXR they are the same numbers.
    ExrOutput output;
    addFrame(output, tiff.frame, {exrTypeFor(tiff.types[0]), PixelType::Float, PixelType::Float});
    writeExr(folder.file("out.exr"), output);
    CHECK(sameBits(readPlate(folder.file("out.exr")).frame.pixels, tiff.frame.pixels));

    addFrame(output = {}, frame, std::vector<PixelType>(3, PixelType::UInt32));
    writeExr(folder.file("ids.exr"), output);
    CHECK_THROWS_WITH(checkColour(probe(folder.file("ids.exr"))),
                      Contains("32-bit integers") && Contains("ids.exr"));
}
