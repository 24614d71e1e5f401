#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>

#include "image/read_frame.h"
#include "image/write_exr.h"
#include "provenance/digest.h"
#include "render/deliver.h"
#include "render/delivered_colour.h"
#include "render/kept.h"
#include "render/record.h"
#include "support/atomic_file.h"

using namespace derrumbe;
using namespace derrumbe::render;
namespace fs = std::filesystem;

namespace {

/// One frame before any onset in a folder of its own: float RGB with a value that no half holds, a
/// half alpha with a NaN's payload, and object ids.
struct Scene {
    fs::path folder;
    RenderPlan plan;
    image::ColorConfig colours = image::ColorConfig::load();
    const std::string hash = std::string(64, 'a');

    Scene() {
        char name[] = "/tmp/derrumbe_deliver_XXXXXX";
        folder = mkdtemp(name);
        const Window window{0, 0, 3, 2};
        image::ExrOutput plate;
        plate.data = plate.display = window;
        const auto add = [&](const char* channel, image::PixelType type, const auto& samples) {
            std::vector<char> bytes(sizeof samples);
            std::memcpy(bytes.data(), &samples, sizeof samples);
            plate.channels.push_back({channel, type, bytes});
        };
        const float colour[6] = {0.1f, 1e6f, -2, 0, 0.5f, 3};
        const std::uint16_t alpha[6] = {0x3c00, 0x7e12, 0x7c00, 0, 1, 0x8000};
        const std::uint32_t ids[6] = {1, 0x7f800001, 3, 0xffffffff, 5, 6};
        for (const char* channel : {"R", "G", "B"}) add(channel, image::PixelType::Float, colour);
        add("A", image::PixelType::Half, alpha);
        add("id.X", image::PixelType::UInt32, ids);
        image::writeExr(folder / "plate.exr", plate);

        plan.plateSpace = plan.outputSpace = "ACEScg";
        plan.plateData = plan.plateDisplay = window;
        plan.plateChannels = {"R", "G", "B", "A", "id.X"};
        plan.shot.provenance.path.path = folder / "log.json";
        FrameJob job;
        job.frame = 1001;
        job.plate = (folder / "plate.exr").string();
        job.output = (folder / "c.1001.exr").string();
        plan.frames = {job};
    }
    ~Scene() { fs::remove_all(folder); }

    const FrameJob& job() const { return plan.frames.front(); }
    Delivered deliver() const { return deliverFrame(plan, colours, job(), Generated{}, hash); }

    FormerLog log(const Delivered& delivered) const {
        FormerLog log{folder / "log.json", {}};
        log.statement.contentSha256 = hash;
        log.statement.subjects = {
            {"c.1001.exr", delivered.sha256, delivered.pixelSha256, 0.25, 1001}};
        log.statement.events = delivered.events;
        return log;
    }

    /// As another tool writes it: the header survives. `changed` is one pixel's red.
    void edit(float changed) const {
        const image::PlateImage file = image::readPlate(job().output);
        Frame frame = file.frame;
        if (changed != 0) frame.at(1, 1)[0] = changed;
        image::ExrOutput output;
        std::vector<image::PixelType> types;
        for (const auto type : file.types) types.push_back(image::exrTypeFor(type));
        image::addFrame(output, frame, types);
        output.header = file.header;
        output.metadata = {{"comments", "touched"}};
        image::writeExr(job().output, output);
    }
};

}  // namespace

TEST_CASE("a frame is kept while it is what was delivered", "[kept]") {
    const Scene scene;
    CHECK_FALSE(keptFrame(scene.plan, scene.job(), scene.hash, std::nullopt));  // not there
    const Delivered delivered = scene.deliver();
    const FormerLog log = scene.log(delivered);

    const auto byPixels = keptFrame(scene.plan, scene.job(), scene.hash, std::nullopt);
    REQUIRE(byPixels);
    CHECK(byPixels->kept);
    CHECK(byPixels->sha256 == delivered.sha256);
    CHECK(byPixels->pixelSha256 == delivered.pixelSha256);
    const auto byLog = keptFrame(scene.plan, scene.job(), scene.hash, log);
    REQUIRE(byLog);
    CHECK(byLog->sha256 == delivered.sha256);
    CHECK(byLog->generatedShare == 0.25);
    CHECK_FALSE(keptFrame(scene.plan, scene.job(), std::string(64, 'b'), log));  // other content

    SECTION("another header on the same pixels is not the file that the log names") {
        scene.edit(0);
        CHECK_FALSE(keptFrame(scene.plan, scene.job(), scene.hash, log));
        CHECK(keptFrame(scene.plan, scene.job(), scene.hash, std::nullopt));
    }
    SECTION("a changed pixel under our header is nobody's") {
        scene.edit(0.75f);
        REQUIRE(image::probe(scene.job().output).header->text("derrumbe/contentHash") ==
                scene.hash);
        CHECK_FALSE(keptFrame(scene.plan, scene.job(), scene.hash, log));
        CHECK_FALSE(keptFrame(scene.plan, scene.job(), scene.hash, std::nullopt));
        // A log of other content does not speak of this frame.
        FormerLog other = log;
        other.statement.contentSha256 = std::string(64, 'c');
        CHECK_FALSE(keptFrame(scene.plan, scene.job(), scene.hash, other));
    }
    SECTION("a cut file is nobody's") {
        fs::resize_file(scene.job().output, fs::file_size(scene.job().output) - 4);
        CHECK_FALSE(keptFrame(scene.plan, scene.job(), scene.hash, std::nullopt));
    }
}

TEST_CASE("a frame is known by its pixels under every compression", "[kept]") {
    Scene scene;
    scene.plan.shot.output.compression = GENERATE("none", "piz", "pxr24", "b44", "dwaa");
    const Delivered delivered = scene.deliver();
    const auto kept = keptFrame(scene.plan, scene.job(), scene.hash, std::nullopt);
    REQUIRE(kept);
    CHECK(kept->sha256 == delivered.sha256);
    CHECK(kept->pixelSha256 == delivered.pixelSha256);
    CHECK(scene.deliver().sha256 == delivered.sha256);
}

TEST_CASE("a log of frames that stay from other content is set aside", "[kept]") {
    const Scene scene;
    const Delivered delivered = scene.deliver();
    const FormerLog log = scene.log(delivered);
    writeTextAtomically(log.path, provenance::statementJson(log.statement));
    const auto former = readFormerLog(log.path);
    REQUIRE(former);
    CHECK(setAsideForeign(former, scene.hash, {}).frames.empty());  // the same content
    const std::string other(64, 'b');
    CHECK(setAsideForeign(former, other, {delivered}).frames.empty());  // rendered again
    const SetAside aside = setAsideForeign(former, other, {});
    CHECK(aside.frames == FrameList{1001});
    CHECK(aside.path == scene.folder / "log.aaaaaaaa.json");
    CHECK(readFile(aside.path) == readFile(log.path));
    scene.edit(0.75f);
    CHECK(setAsideForeign(former, other, {}).frames.empty());  // no longer what it describes
    writeTextAtomically(log.path, "{}");
    CHECK_FALSE(readFormerLog(log.path));
}

TEST_CASE("values that half cannot hold are told in the log", "[deliver]") {
    Scene scene;
    scene.plan.shot.output.pixelType = shot::PixelType::Half;
    Record record;
    record.frames = {scene.deliver()};
    const auto events = record.statement(scene.plan, provenance::Outcome::Done, "").events;
    REQUIRE(events.size() == 1);
    CHECK(events[0].kind == "clamped");
    CHECK(events[0].frame == 1001);
    CHECK(events[0].message.rfind("3 samples", 0) == 0);
    // They stay told when the frame is kept by a later render.
    const auto kept =
        keptFrame(scene.plan, scene.job(), scene.hash, scene.log(record.frames.front()));
    REQUIRE(kept);
    CHECK(kept->events.size() == 1);
}

TEST_CASE("a change of colour space makes nothing infinite that was not", "[deliver]") {
    const float infinity = std::numeric_limits<float>::infinity();
    Frame frame;
    frame.data = frame.display = {4, 4, 3, 1};
    frame.channels = {"R", "G", "B", "A"};
    frame.pixels = {1, 2, 3, infinity, infinity, 1, NAN, 1, 1, 1, 5, 1};
    Matte matte{frame.data, {0, 0, 1}};
    const auto changed = convertKept(frame, matte, [&](Frame& picture) {
        const float after[12] = {infinity, NAN, 1e9f, infinity, infinity, -infinity,
                                 NAN,      1,   1,    1e9f,     -1e9f,    1};
        std::copy(after, after + 12, picture.pixels.begin());
    });
    CHECK(changed == 5);
    CHECK(frame.pixels[0] == 65504);
    CHECK(frame.pixels[1] == 0);
    CHECK(frame.pixels[2] == 1e9f);      // the plate's own light, finite
    CHECK(frame.pixels[3] == infinity);  // no colour
    CHECK(frame.pixels[4] == infinity);  // as the plate had it
    CHECK(frame.pixels[5] == -65504);
    CHECK(std::isnan(frame.pixels[6]));
    CHECK(frame.pixels[9] == 65504);  // generated
    CHECK(frame.pixels[10] == -65504);
}

TEST_CASE("an input that is missing is an input error, and so said", "[record]") {
    Scene scene;
    scene.plan.frames[0].mattes = {(scene.folder / "m.1001.exr").string()};
    try {
        hashInputs(scene.plan, "");
        FAIL("hashed a file that is not there");
    } catch (const Error& error) {
        CHECK(error.code() == ExitCode::Input);
        CHECK(std::string(error.what()).find("m.1001.exr") != std::string::npos);
    }
    scene.plan.frames[0].mattes.clear();
    const auto inputs = hashInputs(scene.plan, (scene.folder / "no.ocio").string());
    REQUIRE(inputs.size() == 1);
    CHECK(inputs[0].bytes == fs::file_size(scene.folder / "plate.exr"));
}
