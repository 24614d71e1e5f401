#include "image/preview.h"

#include <catch2/catch.hpp>
#include <cstdlib>

#include "fixtures.h"
#include "image/heatmap.h"
#include "image/movie.h"
#include "image/read_frame.h"
#include "image/write_exr.h"
#include "support/error.h"

using namespace derrumbe;
using namespace derrumbe::image;
using Catch::Matchers::Contains;

namespace {

ColorConfig shipped() {
    return ColorConfig::load(ColorConfig::shippedPath());
}

std::vector<PreviewFrame> writeFrames(const TemporaryFolder& folder, int count) {
    std::vector<PreviewFrame> frames;
    for (int i = 0; i < count; ++i) {
        Frame frame = patternFrame({-4, -4, 72, 48}, {0, 0, 64, 40}, {"R", "G", "B"}, false);
        for (float& value : frame.pixels) value = 0.02f * static_cast<float>(i + 1);
        const std::string file = folder.file("f." + std::to_string(i) + ".exr");
        writeFixture(file, frame);
        frames.push_back({file, "", std::to_string(1000 + i)});
    }
    return frames;
}

size_t filesIn(const TemporaryFolder& folder, const std::string& extension) {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path))
        count += entry.path().extension() == extension;
    return count;
}

}  // namespace

TEST_CASE("a contact sheet shows every frame through the view", "[preview]") {
    TemporaryFolder folder;
    auto frames = writeFrames(folder, 5);
    PreviewOptions options;
    options.columns = 2;
    options.scale = 1;
    options.display = "sRGB - Display";
    options.view = "Un-tone-mapped";
    options.colorspace = "lin_rec709";
    writeContactSheet(folder.file("sheet.png"), frames, shipped(), options);
    const PlateImage sheet = readPlate(folder.file("sheet.png"));
    CHECK(sheet.data.width == 2 * 68 + 4);
    CHECK(sheet.data.height == 3 * 44 + 4);
    // sRGB of 0.02 and of 0.08, beside the labels.
    CHECK(sheet.frame.at(4 + 50, 4 + 30)[0] == Approx(0.1520).margin(0.004));
    CHECK(sheet.frame.at(72 + 50, 48 + 30)[1] == Approx(0.3133).margin(0.004));
    // The label is drawn.
    CHECK(sheet.frame.at(4 + 2, 4 + 1)[0] > 0.5f);
    // One that is wider than its cell goes on in the next line, from the last space on.
    const auto labelled = [&](const std::string& label) {
        frames[0].label = label;
        writeContactSheet(folder.file("label.png"), frames, shipped(), options);
        return readPlate(folder.file("label.png")).frame;
    };
    const Frame wide = labelled("1000 prompt=smoke"), narrow = labelled("1000");
    const auto differsAt = [&](int x, int y) {
        return wide.at(4 + x, 4 + y)[0] != narrow.at(4 + x, 4 + y)[0];
    };
    CHECK_FALSE(differsAt(22, 1));  // behind `1000` in the first line
    CHECK(differsAt(1, 7));         // the P of the second

    for (PreviewFrame& frame : frames) frame.with = frames[4].file;
    writeContactSheet(folder.file("both.png"), frames, shipped(), options);
    CHECK(probe(folder.file("both.png")).data.width == 2 * 132 + 4);
}

TEST_CASE("pixel aspect is undone and layers can be shown", "[preview]") {
    TemporaryFolder folder;
    Frame frame = patternFrame({0, 0, 32, 32}, {0, 0, 32, 32},
                               {"R", "G", "B", "generated.R", "generated.G", "generated.B"}, false);
    frame.pixelAspect = 2;
    writeFixture(folder.file("a.exr"), frame);
    PreviewOptions options;
    const Picture picture = displayPicture(folder.file("a.exr"), shipped(), "", options, 1);
    CHECK(picture.width == 64);
    CHECK(picture.height == 32);
    options.layer = "generated";
    CHECK(displayPicture(folder.file("a.exr"), shipped(), "", options, 1).rgb != picture.rgb);
    options.layer = "nothing";
    CHECK_THROWS_WITH(displayPicture(folder.file("a.exr"), shipped(), "", options, 1),
                      Contains("nothing"));
}

TEST_CASE("a movie is written whole, or not at all", "[preview]") {
    TemporaryFolder folder;
    const auto frames = writeFrames(folder, 3);
    PreviewOptions options;
    if (std::system("ffmpeg -version >/dev/null 2>&1") == 0) {
        writeMovie(folder.file("m.mp4"), frames, shipped(), options);
        CHECK(std::filesystem::file_size(folder.path / "m.mp4") > 500);
        CHECK(filesIn(folder, ".mp4") == 1);
        writeMovie(folder.file("n.mp4"), frames, shipped(), options);
        CHECK(bytesOf(folder.file("m.mp4")) == bytesOf(folder.file("n.mp4")));
    }
    auto broken = frames;
    broken[2].file = folder.file("missing.exr");
    CHECK_THROWS_AS(writeMovie(folder.file("x.mov"), broken, shipped(), options), Error);
    CHECK(filesIn(folder, ".mov") == 0);
    CHECK_THROWS_WITH(writeMovie(folder.file("m.avi"), frames, shipped(), options),
                      Contains(".mp4"));
}

TEST_CASE("without ffmpeg the error says what to install", "[preview]") {
    TemporaryFolder folder;
    const std::string path = std::getenv("PATH");
    ::setenv("PATH", folder.path.c_str(), 1);
    MovieWriter movie(folder.file("m.mp4"), 24);
    CHECK_THROWS_WITH(movie.add(Picture::filled(32, 32, 0)), Contains("ffmpeg is not installed"));
    // One that ends at once: its words are passed on.
    const std::string fake = folder.file("ffmpeg");
    FILE* script = std::fopen(fake.c_str(), "w");
    std::fputs("#!/bin/sh\necho no such encoder >&2\nexit 3\n", script);
    std::fclose(script);
    std::filesystem::permissions(fake, std::filesystem::perms::owner_all);
    MovieWriter other(folder.file("n.mp4"), 24);
    CHECK_THROWS_WITH(
        [&] {
            for (int i = 0; i < 200; ++i) other.add(Picture::filled(640, 480, 0));
            other.finish();
        }(),
        Contains("no such encoder") && Contains("3"));
    ::setenv("PATH", path.c_str(), 1);
}

TEST_CASE("a delivered frame is shown in the space that its header names", "[preview]") {
    TemporaryFolder folder;
    const ColorConfig config = shipped();
    Frame frame = patternFrame({0, 0, 16, 16}, {0, 0, 16, 16}, {"R", "G", "B"}, false);
    for (float& value : frame.pixels) value = 0.35f;
    const auto write = [&](const std::string& name, const std::string& space) {
        ExrOutput output;
        addFrame(output, frame, std::vector<PixelType>(3, PixelType::Half));
        if (!space.empty()) output.metadata[colorspaceAttribute] = space;
        output.framesPerSecond = Rational{24000, 1001};
        writeExr(folder.file(name), output);
        return folder.file(name);
    };
    const std::string plain = write("plain.exr", ""), log = write("log.exr", "ACEScct"),
                      odd = write("odd.exr", "no such space");
    const PreviewOptions options;
    CHECK(choosePlateSpace(config, probe(log), "").name == config.resolve("ACEScct"));
    CHECK(displayPicture(log, config, "", options, 1).rgb ==
          displayPicture(plain, config, "ACEScct", options, 1).rgb);
    CHECK(displayPicture(log, config, "", options, 1).rgb !=
          displayPicture(plain, config, "", options, 1).rgb);
    // What is asked for wins; a space that is not in the configuration is told.
    CHECK(choosePlateSpace(config, probe(log), "ACEScg").name == config.resolve("ACEScg"));
    CHECK_THAT(choosePlateSpace(config, probe(odd), "").warning, Contains("no such space"));
    CHECK(choosePlateSpace(config, probe(odd), "").name ==
          choosePlateSpace(config, probe(plain), "").name);
}

TEST_CASE("a heat map shows where pictures differ", "[preview][compare]") {
    Frame difference = patternFrame({0, 0, 64, 48}, {0, 0, 64, 48}, {"Y"}, false);
    for (float& value : difference.pixels) value = 0;
    difference.at(40, 30)[0] = 0.25f;
    std::vector<float> flip(64 * 48, 0.f);
    flip[30 * 64 + 20] = 1;
    Picture map = heatmap(difference, 0.25, flip, 64, 48);
    CHECK(map.width >= 128);
    CHECK(int(map.at(40, 30)[0]) > 240);
    CHECK(int(map.at(41, 31)[0]) < 10);
    CHECK(int(map.at(map.width - 64 + 20, 30)[1]) > 240);
    CHECK(int(map.at(map.width - 64 + 21, 30)[1]) < 10);
}
