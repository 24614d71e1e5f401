#include "image/write_exr.h"

#include <OpenImageIO/half.h>
#include <OpenImageIO/imageio.h>

#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "fixtures.h"
#include "image/read_frame.h"
#include "support/error.h"

using namespace derrumbe;
using namespace derrumbe::image;
using Catch::Matchers::Contains;

namespace {

ExrOutput outputOf(const PlateImage& plate) {
    ExrOutput output;
    output.header = plate.header;
    std::vector<PixelType> types;
    for (const PixelType type : plate.types) types.push_back(exrTypeFor(type));
    addFrame(output, plate.frame, types);
    return output;
}

/// A plate whose header holds every kind of attribute, an unknown one too.
PlateImage richPlate(const TemporaryFolder& folder) {
    const std::string first = folder.file("first.exr"), file = folder.file("rich.exr");
    writeFixture(first, patternFrame({-8, -4, 64, 32}, {0, 0, 48, 24}, {"R", "G", "B", "A"}, true),
                 {"half"});
    PlateImage plate = readPlate(first);
    ExrOutput output = outputOf(plate);
    auto header = std::make_shared<ImageHeader>(*plate.header);
    header->attributes.push_back(rationalAttribute("framesPerSecond", {24000, 1001}));
    header->attributes.push_back(timeCodeAttribute(0x01020304, 0));
    header->attributes.push_back(textAttribute("reelName", "A001C002"));
    header->attributes.push_back(intAttribute("imageCounter", 1001));
    header->attributes.push_back(floatAttribute("expTime", 0.02f));
    header->attributes.push_back(chromaticitiesAttribute(
        {0.713f, 0.293f, 0.165f, 0.83f, 0.128f, 0.044f, 0.32168f, 0.33767f}));
    header->attributes.push_back({"studioBlob", "studio_type", std::string("\x01\x00\xff\x7f", 4)});
    header->attributes.push_back({"worldToCamera", "m44f", std::string(64, '\x11')});
    header->attributes.push_back(
        textAttribute("an attribute name that is longer than thirty-one characters", "kept"));
    output.header = header;
    output.pixelAspect = 2;
    writeExr(file, output);
    return readPlate(file);
}

}  // namespace

TEST_CASE("what is written is read back bit for bit", "[write]") {
    TemporaryFolder folder;
    for (const auto& compression : compressionNames()) {
        for (const PixelType type : {PixelType::Half, PixelType::Float}) {
            if (isLossy(compression, type)) continue;
            INFO(compression << " " << text(type));
            Frame frame =
                patternFrame({-8, -4, 64, 33}, {0, 0, 48, 24}, {"R", "G", "B", "A", "z.Z"}, true);
            frame.pixelAspect = 2;
            if (type == PixelType::Half) roundToHalf(frame);
            frame.pixels[0] = std::numeric_limits<float>::infinity();
            frame.pixels[1] = std::numeric_limits<float>::quiet_NaN();
            frame.pixels[2] = -0.f;
            ExrOutput output;
            output.compression = compression;
            addFrame(output, frame, std::vector<PixelType>(5, type));
            CHECK(output.clamped == 0);
            writeExr(folder.file("a.exr"), output);
            const PlateImage read = readPlate(folder.file("a.exr"));
            CHECK(sameBits(read.frame.pixels, frame.pixels));
            CHECK(read.data == frame.data);
            CHECK(read.display == frame.display);
            CHECK(read.pixelAspect == 2);
            CHECK(read.type == type);
        }
    }
}

TEST_CASE("a plate's half and integer channels pass through with every bit", "[write]") {
    TemporaryFolder folder;
    Frame frame;
    frame.data = frame.display = {0, 0, 256, 256};
    frame.channels = {"R", "id"};
    for (std::uint32_t i = 0; i < 65536; ++i) {
        half value;
        value.setBits(static_cast<std::uint16_t>(i));
        frame.pixels.push_back(value);
        frame.pixels.push_back(std::bit_cast<float>(i * 65537u));
    }
    ExrOutput output;
    addFrame(output, frame, {PixelType::Half, PixelType::UInt32});
    writeExr(folder.file("a.exr"), output);
    const PlateImage plate = readPlate(folder.file("a.exr"));
    writeExr(folder.file("b.exr"), outputOf(plate));
    const PlateImage again = readPlate(folder.file("b.exr"));
    CHECK(again.types == std::vector<PixelType>{PixelType::Half, PixelType::UInt32});
    CHECK(sameBits(again.frame.pixels, plate.frame.pixels));
    int wrong = 0;
    for (std::uint32_t i = 0; i < 65536; ++i) {
        wrong += half(again.frame.pixels[i * 2]).bits() != i;
        wrong += std::bit_cast<std::uint32_t>(again.frame.pixels[i * 2 + 1]) != i * 65537u;
    }
    CHECK(wrong == 0);
}

TEST_CASE("every attribute of the plate is kept, byte for byte", "[write]") {
    TemporaryFolder folder;
    const PlateImage plate = richPlate(folder);
    CHECK(plate.header->timeCode() == "01:02:03:04");
    CHECK(plate.framesPerSecond == Rational{24000, 1001});
    CHECK(plate.colorSpaceHint == "lin_ap1_scene");
    ExrOutput output = outputOf(plate);
    output.metadata = {{"derrumbe/seed", "42"}, {"reelName", "ours"}};
    output.compression = "piz";
    writeExr(folder.file("result.exr"), output);
    const PlateImage result = readPlate(folder.file("result.exr"));
    int kept = 0;
    for (const ExrAttribute& attribute : plate.header->attributes) {
        if (attribute.name == "compression" || attribute.name == "reelName") continue;
        INFO(attribute.name);
        const ExrAttribute* found = result.header->find(attribute.name);
        REQUIRE(found);
        CHECK(*found == attribute);
        ++kept;
    }
    CHECK(kept >= 15);
    CHECK(result.header->text("derrumbe/seed") == "42");
    CHECK(result.header->text("reelName") == "ours");
    CHECK(result.header->text("capDate") == "2024:01:02 03:04:05");
    CHECK(result.header->compression == "piz");
    CHECK(result.pixelAspect == 2);
    CHECK(result.header->attributes.size() == plate.header->attributes.size() + 1);
}

TEST_CASE("metadata of other formats comes along, with nothing of the present time", "[write]") {
    TemporaryFolder folder;
    OIIO::ImageSpec spec(8, 8, 3, OIIO::TypeUInt8);
    const std::uint32_t code[2] = {0x01020304, 0};
    spec.attribute("smpte:TimeCode", OIIO::TypeTimeCode, code);
    spec.attribute("dpx:FrameRate", 23.976f);
    spec.attribute("DateTime", "2024:01:02 03:04:05");
    spec.attribute("ImageDescription", "plate of the street");
    const std::vector<std::uint8_t> pixels(8 * 8 * 3, 100);
    auto dpx = OIIO::ImageOutput::create("dpx");
    REQUIRE(dpx->open(folder.file("a.dpx"), spec));
    REQUIRE(dpx->write_image(OIIO::TypeUInt8, pixels.data()));
    REQUIRE(dpx->close());
    const PlateImage plate = readPlate(folder.file("a.dpx"));
    CHECK(plate.framesPerSecond == Rational{24000, 1001});
    writeExr(folder.file("a.exr"), outputOf(plate));
    const PlateImage result = readPlate(folder.file("a.exr"));
    CHECK(result.header->timeCode() == "01:02:03:04");
    CHECK(result.header->rational("framesPerSecond") == Rational{24000, 1001});
    CHECK(result.type == PixelType::Float);
    CHECK(sameBits(result.frame.pixels, plate.frame.pixels));

    Frame bare = patternFrame({0, 0, 8, 8}, {0, 0, 8, 8}, {"R", "G", "B"}, false);
    ExrOutput output;
    addFrame(output, bare, std::vector<PixelType>(3, PixelType::Half));
    writeExr(folder.file("bare.exr"), output);
    CHECK_FALSE(probe(folder.file("bare.exr")).header->find("capDate"));
}

TEST_CASE("the same picture gives the same bytes", "[write]") {
    TemporaryFolder folder;
    const PlateImage plate = richPlate(folder);
    for (const auto& compression : compressionNames()) {
        ExrOutput a = outputOf(plate), b = outputOf(plate);
        a.compression = b.compression = compression;
        CHECK(encodeExr(a) == encodeExr(b));
    }
    writeExr(folder.file("a.exr"), outputOf(plate));
    writeExr(folder.file("b.exr"), outputOf(readPlate(folder.file("a.exr"))));
    CHECK(bytesOf(folder.file("a.exr")) == bytesOf(folder.file("b.exr")));
}

TEST_CASE("layers cover the plate's data window", "[write]") {
    TemporaryFolder folder;
    const Frame plate = patternFrame({-2, -2, 12, 10}, {0, 0, 8, 6}, {"R", "G", "B"}, true);
    const Frame patch = patternFrame({3, 1, 4, 20}, {0, 0, 8, 6}, {"R", "G", "B"}, true);
    const Matte matte{{-2, -2, 12, 10}, std::vector<float>(120, 0.5f)};
    ExrOutput output;
    addFrame(output, plate, std::vector<PixelType>(3, PixelType::Float));
    addLayer(output, patch, "generated", PixelType::Float);
    addMatte(output, matte, "matte.Y", PixelType::Half);
    CHECK_THROWS_WITH(addMatte(output, matte, "matte.Y", PixelType::Half), Contains("matte.Y"));
    writeExr(folder.file("a.exr"), output);
    const Frame read = readPlate(folder.file("a.exr")).frame;
    REQUIRE(read.channel("generated.G") >= 0);
    REQUIRE(read.channel("matte.Y") >= 0);
    CHECK(read.at(3, 1)[read.channel("generated.G")] == patch.at(3, 1)[1]);
    CHECK(read.at(6, 7)[read.channel("generated.B")] == patch.at(6, 7)[2]);
    CHECK(read.at(2, 1)[read.channel("generated.G")] == 0);
    CHECK(read.at(7, 1)[read.channel("generated.G")] == 0);
    CHECK(read.at(-2, -2)[read.channel("matte.Y")] == 0.5f);
    CHECK(read.at(-2, -2)[read.channel("R")] == plate.at(-2, -2)[0]);
}

TEST_CASE("float beyond half's range is clamped and counted, never infinite", "[write]") {
    TemporaryFolder folder;
    Frame frame;
    frame.data = frame.display = {0, 0, 4, 1};
    frame.channels = {"R"};
    frame.pixels = {70000, -1e30f, 65504, std::numeric_limits<float>::infinity()};
    ExrOutput output;
    addFrame(output, frame, {PixelType::Half});
    CHECK(output.clamped == 2);
    writeExr(folder.file("a.exr"), output);
    const std::vector<float> read = readPlate(folder.file("a.exr")).frame.pixels;
    CHECK(read[0] == 65504);
    CHECK(read[1] == -65504);
    CHECK(std::isinf(read[3]));
}

TEST_CASE("compressions are known by name", "[write]") {
    CHECK_FALSE(isLossy("zip"));
    CHECK_FALSE(isLossy("piz", PixelType::Float));
    CHECK(isLossy("dwaa"));
    CHECK(isLossy("b44"));
    CHECK_FALSE(isLossy("pxr24", PixelType::Half));
    CHECK(isLossy("pxr24", PixelType::Float));
    CHECK_THROWS_WITH(isLossy("zipp"), Contains("did you mean zip"));
}

TEST_CASE("a folder that cannot be written is an output error and leaves nothing", "[write]") {
    Frame frame = patternFrame({0, 0, 8, 8}, {0, 0, 8, 8}, {"R"}, false);
    ExrOutput output;
    addFrame(output, frame, {PixelType::Half});
    try {
        writeExr("/proc/nowhere/a.exr", output);
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.code() == ExitCode::Output);
        CHECK_THAT(error.what(), Contains("/proc/nowhere/a.exr"));
    }
}
