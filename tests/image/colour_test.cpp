#include "image/colour.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <fstream>

#include "fixtures.h"
#include "image/colour_ids.h"
#include "support/error.h"

using namespace derrumbe;
using namespace derrumbe::image;
using Catch::Matchers::Contains;

namespace {

class Environment {
  public:
    Environment(const char* name, const char* value) : name_(name) {
        if (const char* old = std::getenv(name)) old_ = old, had_ = true;
        value ? ::setenv(name, value, 1) : ::unsetenv(name);
    }
    ~Environment() { had_ ? ::setenv(name_, old_.c_str(), 1) : ::unsetenv(name_); }

  private:
    const char* name_;
    std::string old_;
    bool had_ = false;
};

ColorConfig shipped() {
    return ColorConfig::load(ColorConfig::shippedPath());
}

std::vector<float> converted(const ColorTransform& transform, std::vector<float> rgb) {
    transform.apply(rgb.data(), rgb.size() / 3);
    return rgb;
}

PlateProbe plateOf(const std::string& file, PixelType type, const std::string& format,
                   const std::string& hint = "") {
    PlateProbe plate;
    plate.file = file;
    plate.type = type;
    auto header = std::make_shared<ImageHeader>();
    header->format = format;
    plate.header = header;
    plate.colorSpaceHint = hint;
    plate.colorSpaceHintSource = hint.empty() ? "" : "chromaticities";
    return plate;
}

}  // namespace

TEST_CASE("the shipped configuration has the spaces that users expect", "[colour]") {
    const ColorConfig config = shipped();
    for (const char* name :
         {"ACEScg", "ACES2065-1", "ACEScct", "ARRI LogC3 (EI800)", "LogC3", "Linear Rec.709 (sRGB)",
          "lin_rec709_srgb", "sRGB - Texture", "srgb_tx", "Raw", "scene_linear", "acescg",
          "Rec.709", "lin_ap1_scene"}) {
        INFO(name);
        CHECK(config.has(name));
    }
    CHECK(config.resolve("scene_linear") == "ACEScg");
    CHECK(config.resolve("lin_srgb") == "Linear Rec.709 (sRGB)");
    CHECK(config.resolve("SRGB_TX") == "sRGB - Texture");
    CHECK(config.views("sRGB - Display").size() == 3);
    for (const std::string& space : config.spaces()) {
        INFO(space);
        CHECK_NOTHROW(config.transform(space, "ACEScg"));
        CHECK_NOTHROW(config.transform("ACEScg", space));
    }
}

TEST_CASE("conversions give the published values", "[colour]") {
    const ColorConfig config = shipped();
    // ACEScct (S-2016-001) and LogC3 of mid grey; sRGB's function at 0.18.
    CHECK(converted(config.transform("ACEScg", "ACEScct"), {0.18f, 0.18f, 0.18f})[1] ==
          Approx(0.4135884).margin(1e-4));
    CHECK(converted(config.transform("ACEScg", "LogC3"), {0.18f, 0.18f, 0.18f})[1] ==
          Approx(0.391007).margin(1e-4));
    CHECK(converted(config.transform("lin_rec709_srgb", "srgb_tx"), {0.18f, 0.18f, 0.18f})[1] ==
          Approx(0.4613561).margin(1e-4));
    // The red primary of AP1 in AP0 (S-2014-004).
    const auto red = converted(config.transform("ACEScg", "ACES2065-1"), {1, 0, 0});
    CHECK(red[0] == Approx(0.6954522).margin(1e-5));
    CHECK(red[1] == Approx(0.0447946).margin(1e-5));
    CHECK(red[2] == Approx(-0.0055259).margin(1e-5));
    const std::vector<float> hdr = {16, 0.5f, -0.02f, 60, 0, 1};
    const auto there = converted(config.transform("ACEScg", "lin_rec709_srgb"), hdr);
    const auto back = converted(config.transform("lin_rec709_srgb", "ACEScg"), there);
    for (size_t i = 0; i < hdr.size(); ++i) CHECK(back[i] == Approx(hdr[i]).margin(2e-4));
}

TEST_CASE("a frame's other channels are not converted", "[colour]") {
    Frame frame = patternFrame({-2, 1, 6, 3}, {0, 0, 4, 4}, {"R", "G", "B", "A", "Z"}, true);
    const Frame before = frame;
    const ColorTransform transform = shipped().transform("ACEScg", "ACES2065-1");
    transform.apply(frame);
    CHECK(frame.at(0, 2)[3] == before.at(0, 2)[3]);
    CHECK(frame.at(0, 2)[4] == before.at(0, 2)[4]);
    std::vector<float> pixel(before.at(0, 2), before.at(0, 2) + 3);
    transform.apply(pixel.data(), 1);
    for (int c = 0; c < 3; ++c) CHECK(frame.at(0, 2)[c] == pixel[static_cast<size_t>(c)]);
    CHECK(shipped().transform("ACEScg", "lin_ap1").isIdentity());
}

TEST_CASE("a display transform tone-maps, about into 0..1", "[colour]") {
    const ColorConfig config = shipped();
    const auto shown =
        converted(config.display("ACEScg"), {0, 0, 0, 0.18f, 0.18f, 0.18f, 50, 50, 50});
    CHECK(shown[0] == Approx(0).margin(0.02));
    CHECK(shown[4] > 0.3);
    CHECK(shown[4] < 0.5);
    CHECK(shown[7] > 0.95);
    CHECK(shown[7] <= 1.02);
    const auto plain = converted(config.display("lin_rec709", "sRGB - Display", "Un-tone-mapped"),
                                 {0.18f, 0.18f, 0.18f});
    CHECK(plain[0] == Approx(0.46136).margin(1e-3));
    CHECK_THROWS_WITH(config.display("ACEScg", "Kino"), Contains("sRGB - Display"));
    CHECK_THROWS_WITH(config.display("ACEScg", "", "Kino"), Contains("Un-tone-mapped"));
}

TEST_CASE("a configuration without views gives the sRGB picture", "[colour]") {
    TemporaryFolder folder;
    std::ofstream(folder.file("plain.ocio")) << R"(ocio_profile_version: 2.1
strictparsing: true
roles: {scene_linear: lin, default: lin}
file_rules:
  - !<Rule> {name: Photos, colorspace: sRGB, pattern: "*photo*", extension: "*"}
  - !<Rule> {name: Default, colorspace: default}
displays:
  S:
    - !<View> {name: Raw, colorspace: lin}
colorspaces:
  - !<ColorSpace> {name: lin}
  - !<ColorSpace>
    name: sRGB
    from_scene_reference: !<ExponentWithLinearTransform> {gamma: 2.4, offset: 0.055, direction: inverse}
)";
    const ColorConfig config = ColorConfig::load(folder.file("plain.ocio"));
    CHECK(converted(config.display("lin"), {0.18f, 0.18f, 0.18f})[0] ==
          Approx(0.46136).margin(1e-3));
    CHECK(config.fromFileRules("/a/photo/x.exr") == "sRGB");
    CHECK(config.fromFileRules("/a/plate/x.exr").empty());
    const auto choice =
        choosePlateSpace(config, plateOf("/a/photo.1.exr", PixelType::Half, "openexr"), "");
    CHECK(choice.name == "sRGB");
    CHECK_THAT(choice.reason, Contains("file rules"));
}

TEST_CASE("what is not there is an error that names the nearest", "[colour]") {
    const ColorConfig config = shipped();
    CHECK_THROWS_WITH(config.resolve("ACESgc"), Contains("did you mean 'ACEScg'"));
    CHECK_THROWS_WITH(config.transform("ACEScg", "NoSuchSpace"), Contains("ACES2065-1"));
    CHECK_THROWS_AS(config.transform("linear", "ACEScg"), Error);
    try {
        config.resolve("ACESgc");
    } catch (const Error& error) {
        CHECK(error.code() == ExitCode::Input);
    }
}

TEST_CASE("a configuration that does not load is an error, never a fallback", "[colour]") {
    TemporaryFolder folder;
    std::ofstream(folder.file("text.ocio")) << "no: configuration\n";
    std::ofstream(folder.file("new.ocio")) << "ocio_profile_version: 2.9\n";
    for (const std::string& path :
         {folder.file("missing.ocio"), folder.file("text.ocio"), folder.file("new.ocio"),
          std::string("ocio://no-such-config")}) {
        INFO(path);
        Environment ocio("OCIO", path.c_str());
        CHECK_THROWS_WITH(ColorConfig::load(), Contains(path));
    }
    Environment ocio("OCIO", "");
    CHECK_THAT(ColorConfig::load().path(), Catch::Matchers::EndsWith("configs/ocio/derrumbe.ocio"));
}

TEST_CASE("the shipped configuration is found below DERRUMBE_HOME first", "[colour]") {
    TemporaryFolder folder;
    std::filesystem::create_directories(folder.path / "configs/ocio");
    std::filesystem::copy(ColorConfig::shippedPath(), folder.path / "configs/ocio/derrumbe.ocio");
    Environment home("DERRUMBE_HOME", folder.path.c_str());
    CHECK(ColorConfig::shippedPath() == (folder.path / "configs/ocio/derrumbe.ocio").string());
}

TEST_CASE("a plate's colour space is chosen in the contract's order", "[colour]") {
    const ColorConfig config = shipped();
    const auto choose = [&](const PlateProbe& plate, const std::string& asked = "") {
        return choosePlateSpace(config, plate, asked);
    };
    const PlateProbe exr = plateOf("a.exr", PixelType::Half, "openexr");
    CHECK(choose(exr).name == "ACEScg");
    CHECK(choose(exr, "lin_srgb").name == "Linear Rec.709 (sRGB)");
    CHECK(choose(plateOf("a.exr", PixelType::Half, "openexr", "lin_ap0_scene")).name ==
          "ACES2065-1");
    CHECK(choose(plateOf("a.exr", PixelType::Half, "openexr", "lin_ap0_scene"), "ACEScct").name ==
          "ACEScct");
    const auto unknown = choose(plateOf("a.exr", PixelType::Half, "openexr", "lin_p3d65_scene"));
    CHECK(unknown.name == "ACEScg");
    CHECK_THAT(unknown.warning, Contains("lin_p3d65_scene"));
    CHECK(choose(plateOf("a.png", PixelType::UInt8, "png")).name == "sRGB - Texture");
    CHECK(choose(plateOf("a.tif", PixelType::Float, "tiff")).name == "ACEScg");
    const auto dpx = choose(plateOf("a.dpx", PixelType::UInt10, "dpx"));
    CHECK(dpx.name == "ACEScct");
    CHECK_THAT(dpx.warning, Contains("plate.colorspace"));
    CHECK_THROWS_AS(choose(exr, "ACESgc"), Error);
}

TEST_CASE("primaries are told apart", "[colour]") {
    CHECK(spaceOfChromaticities({0.64f, 0.33f, 0.3f, 0.6f, 0.15f, 0.06f, 0.3127f, 0.329f}) ==
          "lin_rec709_scene");
    CHECK(spaceOfChromaticities({0.5f, 0.33f, 0.3f, 0.6f, 0.15f, 0.06f, 0.3127f, 0.329f}).empty());
    CHECK(chromaticitiesOf("ACEScg")[0] == 0.713f);
    CHECK(chromaticitiesOf("ACEScct")[0] == 0);
}
