#include "image/read_frame.h"

#include <OpenImageIO/half.h>
#include <OpenImageIO/imageio.h>

#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>

#include "fixtures.h"
#include "support/error.h"

using namespace derrumbe;
using namespace derrumbe::image;
using Catch::Matchers::Contains;

namespace {

const std::vector<std::string> rgba = {"R", "G", "B", "A"};
const std::vector<std::string> rgb = {"R", "G", "B"};

std::string inputError(const std::string& file) {
    try {
        readPlate(file);
    } catch (const Error& error) {
        CHECK(error.code() == ExitCode::Input);
        CHECK_THAT(error.what(), Contains(file));
        return error.what();
    }
    return "no error";
}

}  // namespace

TEST_CASE("EXR samples are read bit for bit, whatever the layout", "[read]") {
    TemporaryFolder folder;
    const std::string file = folder.file("a.exr");
    for (const char* compression : {"none", "rle", "zips", "zip", "piz"}) {
        for (const char* type : {"half", "float"}) {
            for (int tile : {0, 16}) {
                INFO(compression << " " << type << " tile " << tile);
                Frame frame = patternFrame({-8, -4, 64, 32}, {0, 0, 48, 24},
                                           {"R", "G", "B", "A", "depth.Z"}, true);
                if (std::string(type) == "half") roundToHalf(frame);
                writeFixture(file, frame, {type, compression, tile});
                const PlateImage read = readPlate(file);
                CHECK(read.frame.data == frame.data);
                CHECK(read.frame.display == frame.display);
                CHECK(read.frame.channels == frame.channels);
                CHECK(sameBits(read.frame.pixels, frame.pixels));
                CHECK(read.type ==
                      (std::string(type) == "half" ? PixelType::Half : PixelType::Float));
                CHECK(read.header->compression == compression);
            }
        }
    }
}

TEST_CASE("all 65536 halves survive, NaN payloads included", "[read]") {
    TemporaryFolder folder;
    const std::string file = folder.file("halves.exr");
    OIIO::ImageSpec spec(256, 256, 1, OIIO::TypeHalf);
    spec.channelnames = {"R"};
    std::vector<std::uint16_t> bits(65536);
    for (size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<std::uint16_t>(i);
    auto output = OIIO::ImageOutput::create(file);
    REQUIRE(output->open(file, spec));
    REQUIRE(output->write_image(OIIO::TypeHalf, bits.data()));
    REQUIRE(output->close());
    const PlateImage read = readPlate(file);
    int wrong = 0;
    for (size_t i = 0; i < bits.size(); ++i) wrong += half(read.frame.pixels[i]).bits() != bits[i];
    CHECK(wrong == 0);
}

TEST_CASE("integer formats are read as n / largest, colours not multiplied by alpha", "[read]") {
    TemporaryFolder folder;
    struct Case {
        const char *name, *type;
        PixelType expected;
        double step;
        bool alpha;
    };
    const Case cases[] = {{"a.png", "uint8", PixelType::UInt8, 1 / 255., true},
                          {"b.png", "uint16", PixelType::UInt16, 1 / 65535., true},
                          {"c.tif", "uint8", PixelType::UInt8, 1 / 255., true},
                          {"d.tif", "uint16", PixelType::UInt16, 1 / 65535., true},
                          {"e.dpx", "uint10", PixelType::UInt10, 1 / 1023., false},
                          {"f.dpx", "uint16", PixelType::UInt16, 1 / 65535., false}};
    for (const Case& c : cases) {
        INFO(c.name);
        const std::string file = folder.file(c.name);
        const Frame frame =
            patternFrame({0, 0, 40, 24}, {0, 0, 40, 24}, c.alpha ? rgba : rgb, false);
        writeFixture(file, frame, {c.type});
        const PlateImage read = readPlate(file);
        CHECK(read.type == c.expected);
        CHECK(read.frame.channels == frame.channels);
        CHECK(read.unassociatedAlpha == c.alpha);
        REQUIRE(read.frame.pixels.size() == frame.pixels.size());
        double worst = 0;
        for (size_t i = 0; i < frame.pixels.size(); ++i)
            worst = std::max(worst, std::abs(double(read.frame.pixels[i]) - frame.pixels[i]));
        // OpenImageIO's DPX writer cuts ten bits off sixteen, it does not round.
        CHECK(worst <= c.step * (c.expected == PixelType::UInt10 ? 1.01 : 0.51));
    }
}

TEST_CASE("float TIFF and JPEG are read", "[read]") {
    TemporaryFolder folder;
    const Frame frame = patternFrame({0, 0, 40, 24}, {0, 0, 40, 24}, rgb, true);
    writeFixture(folder.file("a.tif"), frame, {"float"});
    CHECK(sameBits(readPlate(folder.file("a.tif")).frame.pixels, frame.pixels));
    Frame flat = frame;
    for (float& value : flat.pixels) value = 0.5f;
    writeFixture(folder.file("a.jpg"), flat, {"uint8"});
    const PlateImage jpeg = readPlate(folder.file("a.jpg"));
    CHECK(jpeg.type == PixelType::UInt8);
    CHECK(jpeg.frame.pixels[0] == Approx(0.5).margin(0.01));
}

TEST_CASE("pixel aspect is read", "[read]") {
    TemporaryFolder folder;
    Frame frame = patternFrame({0, 0, 8, 8}, {0, 0, 8, 8}, rgb, false);
    frame.pixelAspect = 2;
    for (const char* name : {"a.exr", "a.dpx", "a.png"}) {
        INFO(name);
        writeFixture(folder.file(name), frame, {name[2] == 'e' ? "half" : "uint8"});
        CHECK(probe(folder.file(name)).pixelAspect == Approx(2));
    }
}

TEST_CASE("object ids keep their 32 bits", "[read]") {
    TemporaryFolder folder;
    const std::string file = folder.file("ids.exr");
    OIIO::ImageSpec spec(4, 1, 4, OIIO::TypeHalf);
    spec.channelnames = {"R", "G", "B", "id"};
    spec.channelformats = {OIIO::TypeHalf, OIIO::TypeHalf, OIIO::TypeHalf, OIIO::TypeUInt};
    struct Pixel {
        std::uint16_t r, g, b;
        std::uint32_t id;
    } __attribute__((packed));
    const Pixel pixels[4] = {{0, 0, 0, 1}, {0, 0, 0, 0x7fc00001}, {0, 0, 0, 0xffffffff}, {}};
    auto output = OIIO::ImageOutput::create(file);
    REQUIRE(output->open(file, spec));
    REQUIRE(output->write_image(OIIO::TypeUnknown, pixels));
    REQUIRE(output->close());
    const PlateImage read = readPlate(file);
    CHECK(read.types[3] == PixelType::UInt32);
    CHECK(read.types[0] == PixelType::Half);
    for (int x = 0; x < 4; ++x)
        CHECK(std::bit_cast<std::uint32_t>(read.frame.at(x, 0)[3]) == pixels[x].id);
}

TEST_CASE("of a multi-part EXR the colour part is the plate, same-sized parts come along",
          "[read]") {
    TemporaryFolder folder;
    const std::string file = folder.file("parts.exr");
    const Frame depth = patternFrame({0, 0, 16, 8}, {0, 0, 16, 8}, {"Z"}, true);
    const Frame colour = patternFrame({0, 0, 16, 8}, {0, 0, 16, 8}, rgb, true);
    const Frame small = patternFrame({2, 2, 4, 4}, {0, 0, 16, 8}, rgb, true);
    std::vector<OIIO::ImageSpec> specs;
    const Frame* frames[] = {&depth, &colour, &small};
    const char* names[] = {"depth", "beauty", "patch"};
    for (int i = 0; i < 3; ++i) {
        const Frame& frame = *frames[i];
        OIIO::ImageSpec spec(frame.data.width, frame.data.height, frame.channelCount(),
                             OIIO::TypeFloat);
        spec.channelnames = frame.channels;
        spec.x = frame.data.x, spec.y = frame.data.y;
        spec.full_width = 16, spec.full_height = 8;
        spec.attribute("oiio:subimagename", names[i]);
        specs.push_back(spec);
    }
    auto output = OIIO::ImageOutput::create(file);
    REQUIRE(output->open(file, 3, specs.data()));
    for (int i = 0; i < 3; ++i) {
        if (i > 0) REQUIRE(output->open(file, specs[i], OIIO::ImageOutput::AppendSubimage));
        REQUIRE(output->write_image(OIIO::TypeFloat, frames[i]->pixels.data()));
    }
    REQUIRE(output->close());
    const PlateImage read = readPlate(file);
    CHECK(read.channels == std::vector<std::string>{"R", "G", "B", "Z"});
    bool same = true;
    for (int y = 0; y < 8; ++y)
        for (int x = 0; x < 16; ++x) {
            for (int c = 0; c < 3; ++c) same = same && read.frame.at(x, y)[c] == colour.at(x, y)[c];
            same = same && read.frame.at(x, y)[3] == depth.at(x, y)[0];
        }
    CHECK(same);
    REQUIRE(read.notes.size() == 1);
    CHECK_THAT(read.notes[0], Contains("patch"));
}

TEST_CASE("files that are cut off are errors that name them", "[read]") {
    TemporaryFolder folder;
    const Frame frame = patternFrame({0, 0, 200, 150}, {0, 0, 200, 150}, rgb, false);
    for (const char* name : {"a.exr", "a.png", "a.tif", "a.jpg", "a.dpx"}) {
        for (double share : {0.7, 0.3, 0.001}) {
            INFO(name << " " << share);
            const std::string file = folder.file(name);
            writeFixture(file, frame, {name[2] == 'e' ? "half" : "uint8"});
            truncateFile(file, share);
            CHECK_THAT(inputError(file), !Contains("no error"));
        }
    }
}

TEST_CASE("what is no picture is an error", "[read]") {
    TemporaryFolder folder;
    CHECK_THAT(inputError(folder.file("missing.exr")), Contains("no such file"));
    CHECK_THAT(inputError(folder.path.string()), Contains("folder"));
    std::ofstream(folder.file("empty.exr")).close();
    CHECK_THAT(inputError(folder.file("empty.exr")), Contains("empty"));
    std::ofstream(folder.file("text.exr")) << "not a picture at all, only text";
    CHECK_THAT(inputError(folder.file("text.exr")), Contains("damaged"));
    std::ofstream(folder.file("a.mov")) << "moov";
    CHECK_THAT(inputError(folder.file("a.mov")), Contains("sequence of frames"));
}

TEST_CASE("sizes that the file cannot hold are refused before memory is taken", "[read]") {
    TemporaryFolder folder;
    const std::string file = folder.file("claims.exr");
    writeFixture(file, patternFrame({0, 0, 16, 16}, {0, 0, 16, 16}, rgb, false));
    std::string bytes = bytesOf(file);
    const size_t at = bytes.find("dataWindow");
    REQUIRE(at != std::string::npos);
    const size_t value = at + 11 + 6 + 4;  // name, type "box2i", size
    const auto claim = [&](std::int32_t last) {
        std::string changed = bytes;
        for (int i = 2; i < 4; ++i)
            std::memcpy(changed.data() + value + static_cast<size_t>(i) * 4, &last, 4);
        std::ofstream(file, std::ios::binary) << changed;
        return inputError(file);
    };
    CHECK_THAT(claim(60000), !Contains("no error"));
    CHECK_THAT(claim(2000000), !Contains("no error"));
    CHECK_THAT(claim(-5), !Contains("no error"));
    CHECK_THAT(claim(2147483647), !Contains("no error"));
}

TEST_CASE("a damaged header never does worse than an error", "[read]") {
    TemporaryFolder folder;
    const std::string file = folder.file("fuzz.exr");
    writeFixture(file, patternFrame({0, 0, 16, 16}, {0, 0, 16, 16}, rgba, false));
    const std::string bytes = bytesOf(file);
    std::uint32_t state = 99;
    int errors = 0;
    for (int round = 0; round < 300; ++round) {
        std::string changed = bytes;
        for (int i = 0; i < 3; ++i) {
            state = state * 1664525u + 1013904223u;
            changed[(state >> 8) % 400] = static_cast<char>(state >> 24);
        }
        std::ofstream(file, std::ios::binary) << changed;
        try {
            readPlate(file);
        } catch (const Error&) {
            ++errors;
        }
    }
    CHECK(errors > 0);
}
