#include "random_shot.h"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <limits>

#include "../image/fixtures.h"
#include "support/atomic_file.h"
#include "support/frame_range.h"
#include "support/strings.h"

using namespace derrumbe;
namespace fs = std::filesystem;

namespace {

std::string numbered(const std::string& name, int frame, const std::string& extension) {
    std::string digits = std::to_string(frame);
    digits.insert(0, digits.size() < 4 ? 4 - digits.size() : 0, '0');
    return name + "." + digits + extension;
}

std::string fixtureModel(const std::string& name) {
    return fs::weakly_canonical(fs::path(DERRUMBE_TEST_DATA) / "../../model/fixtures" / name)
        .string();
}

/// Values that no good picture holds.
float wildValue(Dice& dice) {
    const auto payload = static_cast<std::uint32_t>(0x7FC00000u | (dice.bits() & 0x3FE000u));
    const float infinity = std::numeric_limits<float>::infinity();
    return dice.oneOf<float>({std::bit_cast<float>(payload), infinity, -infinity, 65504, -65504,
                              70000, -1e6f, 1e30f, 3e38f, -3e38f, 1e-40f, -0.f});
}

/// A picture that differs from its neighbours and over time; above 1 and below 0 in floats.
void paint(Frame& frame, Dice& dice, bool floats, int wildness) {
    const int count = frame.channelCount();
    const float lift = dice.unit() * 0.3f;
    for (int y = frame.data.y; y < frame.data.bottom(); ++y)
        for (int x = frame.data.x; x < frame.data.right(); ++x)
            for (int c = 0; c < count; ++c) {
                const float wave = std::sin(0.21f * static_cast<float>(x + 2 * c)) *
                                   std::cos(0.17f * static_cast<float>(y - c));
                float value = 0.3f + lift + 0.25f * wave + 0.05f * dice.unit();
                if (floats && dice.chance(3)) value = (value - 0.4f) * 60;
                if (wildness > 0 && dice.chance(wildness)) value = wildValue(dice);
                frame.at(x, y)[c] = value;
            }
}

}  // namespace

std::uint64_t Dice::bits() {
    // splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA
    // 2014.
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

int Dice::between(int least, int most) {
    return least + static_cast<int>(bits() % (static_cast<std::uint64_t>(most - least) + 1));
}

RandomShot::RandomShot(std::uint64_t seed, bool wild) {
    std::string name = (fs::temp_directory_path() / "derrumbe_promise_XXXXXX").string();
    path = ::mkdtemp(name.data());
    Dice dice(seed);
    const int first = dice.oneOf<int>({1, 7, 98, 1001, 9997});
    const int step = dice.oneOf<int>({1, 1, 1, 2, 3});
    for (int i = 0, count = dice.between(2, 6); i < count; ++i) frames.push_back(first + i * step);
    makePlates(dice, wild);
    makeText(dice, wild);
    if (dice.chance(35)) refine(dice);
}

RandomShot::~RandomShot() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
}

void RandomShot::makePlates(Dice& dice, bool wild) {
    FixtureFormat format;
    plateExtension_ = wild ? ".exr"
                           : dice.oneOf<std::string>(
                                 {".exr", ".exr", ".exr", ".exr", ".dpx", ".tif", ".png", ".jpg"});
    const bool exr = plateExtension_ == ".exr";
    // Many are smaller than the model's 48 x 32; in others the crop is a part, and may follow.
    const bool large = dice.chance(60);
    display = {0, 0, dice.between(17, 56) + (large ? 50 : 0),
               dice.between(16, 40) + (large ? 30 : 0)};
    data = display;
    std::vector<std::string> channels = {"R", "G", "B"};
    if (exr) {
        format.type = dice.oneOf<std::string>({"half", "half", "float"});
        format.compression = dice.oneOf<std::string>({"none", "rle", "zips", "zip", "piz"});
        format.tile = dice.chance(30) ? 16 : 0;
        if (dice.chance(30)) display.x = dice.between(-9, 9), display.y = dice.between(-9, 9);
        const int overscan = dice.between(1, 9), inner = dice.between(1, 3);
        data = display;
        if (dice.chance(25))
            data = {display.x - overscan, display.y - inner, display.width + 2 * overscan,
                    display.height + inner + overscan};
        else if (dice.chance(25))
            data = {display.x + inner, display.y + 1, display.width - 2 * inner,
                    display.height - inner - 1};
        if (dice.chance(10)) channels = {"Y"};
        if (dice.chance(70)) channels.push_back("A");
        if (channels.size() == 4 && dice.chance(40)) {
            channels.push_back("Z");
            format.ownPart = dice.chance(50);
            if (dice.chance(50)) channels.push_back("id");
            format.idChannel = channels.back() == "id";
        }
    } else {
        format.type = plateExtension_ == ".dpx"   ? "uint10"
                      : plateExtension_ == ".jpg" ? "uint8"
                                                  : dice.oneOf<std::string>({"uint8", "uint16"});
        if (plateExtension_ == ".png" && dice.chance(50)) channels.push_back("A");
    }
    Frame frame;
    frame.data = data;
    frame.display = display;
    frame.channels = channels;
    if (exr && dice.chance(20)) frame.pixelAspect = 2;
    frame.pixels.resize(static_cast<size_t>(data.width) * data.height * channels.size());
    for (const int number : frames) {
        paint(frame, dice, exr, wild ? dice.oneOf<int>({0, 1, 5, 60}) : exr && dice.chance(20));
        if (dice.chance(30))  // premultiplied by an alpha that has holes
            for (size_t i = 0; i < frame.pixels.size(); i += channels.size())
                if (dice.chance(30) && channels.size() > 3)
                    std::fill_n(frame.pixels.begin() + static_cast<std::ptrdiff_t>(i), 4, 0.f);
        writeFixture((path / numbered("p", number, plateExtension_)).string(), frame, format);
    }
    if (frames.size() > 2 && dice.chance(15)) {
        missing_ = dice.chance(50) ? "hold" : "black";
        fs::remove(path / numbered("p", dice.oneOf(frames), plateExtension_));
    }
}

/// Draws the matte's files; returns its entry in the shot.
std::string RandomShot::makeMatte(Dice& dice, const std::string& name, bool first, bool wild,
                                  Source& made) {
    const bool png = dice.chance(25) && !wild, still = dice.chance(25);
    made.subtracts = !first && dice.chance(35);
    made.grow = dice.oneOf<double>({0, 0, 1, 3, 0.5, -1, -2});
    made.feather = dice.oneOf<double>({0, 0, 1, 2, 4, 7.5});
    const bool invert = dice.chance(12), soft = dice.chance(30);
    // What the file holds of the plate's window: all of it, its display window, or less.
    Window held = png || dice.chance(40) ? display : data;
    if (!png && dice.chance(25)) held = {held.x + 2, held.y + 1, held.width - 4, held.height - 3};
    int left = data.x + dice.between(0, data.width - 8),
        top = data.y + dice.between(0, data.height - 8);
    const int width = dice.between(3, 14), height = dice.between(3, 12),
              right = dice.between(-2, 3), down = dice.between(-1, 2);
    Frame frame;
    // A PNG knows no window: it is laid over the plate's display window.
    frame.data = held;
    frame.display = display;
    if (png) frame.data = frame.display = {0, 0, display.width, display.height};
    frame.channels = {png ? "Y" : "A"};
    for (const int number : frames) {
        frame.pixels.assign(static_cast<size_t>(held.width) * held.height, 0);
        std::vector<float>& drawn = made.drawn[number];
        drawn.assign(static_cast<size_t>(data.width) * data.height, invert ? 1.f : 0.f);
        for (int y = held.y; y < held.bottom(); ++y)
            for (int x = held.x; x < held.right(); ++x) {
                const bool inside = x >= left && x < left + width && y >= top && y < top + height;
                float value = !inside ? 0.f
                              : soft  ? 0.25f * static_cast<float>(dice.between(0, 4))
                                      : 1.f;
                if (png) value = value == 1 ? 1.f : value == 0 ? 0.f : 51.f / 255;
                if (wild && dice.chance(2)) value = wildValue(dice);
                frame.pixels[static_cast<size_t>(y - held.y) * held.width + (x - held.x)] = value;
                if (x < data.x || x >= data.right() || y < data.y || y >= data.bottom()) continue;
                value = value > 0 ? std::min(value, 1.f) : 0.f;
                drawn[static_cast<size_t>(y - data.y) * data.width + (x - data.x)] =
                    invert ? 1 - value : value;
            }
        if (!still || number == frames.front())
            writeFixture((path / (still ? name + (png ? ".png" : ".exr")
                                        : numbered(name, number, png ? ".png" : ".exr")))
                             .string(),
                         frame, {png ? "uint8" : "half", "", 0});
        if (still)
            drawn = made.drawn[frames.front()];
        else
            left += right, top += down;
    }
    return cat("{path: ", name, still ? "" : ".####", png ? ".png" : ".exr",
               made.subtracts ? ", operation: subtract" : "", invert ? ", invert: true" : "",
               ", grow: ", made.grow, ", feather: ", made.feather, "}");
}

void RandomShot::makeText(Dice& dice, bool wild) {
    const int last = frames.back(), step = frames.size() > 1 ? frames[1] - frames[0] : 1;
    yaml =
        cat("version: 1\nframes: ", frames.front(), "-", last, step > 1 ? cat("x", step) : "",
            "\nprompt: dust\nplate: {path: p.####", plateExtension_, ", missing: ", missing_,
            ", colorspace: ",
            dice.oneOf<std::string>({"ACEScg", "Linear Rec.709 (sRGB)", "sRGB - Texture"}), "}\n");
    const auto mattes = [&](const char* key, const char* name, int count,
                            std::vector<Source>& sources) {
        if (count == 0) return;
        yaml += cat(key, ":\n");
        for (int i = 0; i < count; ++i) {
            sources.emplace_back();
            yaml += "  - " + makeMatte(dice, cat(name, i), i == 0, wild, sources.back()) + "\n";
        }
    };
    mattes("matte", "m", dice.between(1, 3), mattes_);
    mattes("holdout", "h", dice.chance(30) ? dice.between(1, 2) : 0, holdouts_);
    if (dice.chance(70))
        yaml +=
            cat("onset: ", onset_ = dice.chance(50) ? frames.front() : dice.oneOf(frames), "\n");
    const std::string region =
        dice.oneOf<std::string>({"auto", "follow", "follow", "follow", "full", "box"});
    yaml += "region: " +
            (region == "box" ? cat("[", data.x + 2, ", ", data.y + 1, ", ", data.width - 3, ", ",
                                   data.height - 2, "]")
                             : region) +
            "\n";
    const auto picture = [&](const std::string& name) {
        Frame frame;
        frame.data = data;
        frame.display = display;
        frame.channels = {"R", "G", "B"};
        frame.pixels.resize(static_cast<size_t>(data.width) * data.height * 3);
        paint(frame, dice, true, wild ? 20 : 0);
        writeFixture((path / name).string(), frame, {"float", "zip", 0});
    };
    const auto halfMatte = [&](const std::string& name) {
        Frame frame;
        frame.data = frame.display = data;
        frame.channels = {"A"};
        frame.pixels.resize(static_cast<size_t>(data.width) * data.height);
        for (size_t i = 0; i < frame.pixels.size(); ++i)
            frame.pixels[i] = i % static_cast<size_t>(data.width) < data.width / 2u ? 1.f : 0.f;
        writeFixture((path / name).string(), frame, {"half", "", 0});
    };
    if (dice.chance(wild ? 70 : 15)) {
        const int number = dice.oneOf(frames);
        picture(keyframes_[number] = "key.exr");
        yaml += cat("keyframes: [{frame: ", number, ", path: key.exr}]\n");
    }
    if (dice.chance(15)) {
        picture("guide.exr");
        yaml += "guides: [{type: previz, path: guide.exr, strength: 0.6}]\n";
    }
    if (dice.chance(20)) {
        picture("reference.exr");
        yaml += "references: [reference.exr]\n";
    }
    if (dice.chance(30)) {
        const bool placed = dice.chance(50);
        if (placed) halfMatte("beat.exr");
        yaml += cat("beats: [{from: ", dice.oneOf(frames),
                    ", prompt: fire, blend: ", dice.between(0, 4),
                    placed ? ", matte: {path: beat.exr}" : "", "}]\n");
    }
    if (dice.chance(20))
        yaml +=
            cat("strength: [{frame: ", frames.front(), ", value: ", dice.between(0, 4) / 4.0,
                "}, {frame: ", frames.back() + 1, ", value: ", dice.between(0, 4) / 4.0, "}]\n");
    yaml += cat("model: {path: ",
                fixtureModel(dice.oneOf<std::string>({"pipeline_0", "pipeline_0", "pipeline_3"})),
                "}\nsampler: {steps: ", dice.between(1, 3), ", guidance: ", dice.between(1, 2),
                ", seed: ", dice.between(0, 1000),
                "}\ndetail: ", dice.oneOf<std::string>({"plate", "still", "off"}),
                "\ngrain: ", dice.oneOf<std::string>({"plate", "off"}),
                "\nseam: ", dice.oneOf<std::string>({"plate", "off"}), "\n");
    if (dice.chance(30)) yaml += "windows: {length: 5, overlap: 1}\n";
    yaml += cat("output:\n  path: out/o.####.exr\n  compression: ",
                dice.oneOf<std::string>({"none", "rle", "zips", "zip", "piz"}), "\n");
    if (wild) {
        yaml +=
            cat("  colorspace: ",
                dice.oneOf<std::string>({"plate", "plate", "ACES2065-1", "sRGB - Texture"}), "\n");
        if (dice.chance(40)) yaml += "  pixel_type: half\n  lossy: true\n";
    } else {
        yaml += cat("  layers: ", dice.oneOf<std::string>({"[generated, matte]", "[matte]"}), "\n");
        if (dice.chance(25)) yaml += "  pixel_type: float\n";
    }
}

void RandomShot::refine(Dice& dice) {
    const size_t at = yaml.find("model: {path: ") + 14;
    const fs::path given = yaml.substr(at, yaml.find('}', at) - at), small = path / "small";
    fs::create_directory(small);
    for (const auto& entry : fs::directory_iterator(given))
        if (entry.path().filename() != "derrumbe.json")
            fs::create_symlink(entry.path(), small / entry.path().filename());
    std::string about = readFile(given / "derrumbe.json");
    const size_t size = about.find("\"working_size\"");
    about.replace(size, about.find(']', size) + 1 - size,
                  cat("\"working_size\": [", dice.oneOf<int>({16, 32}), ", 16]"));
    std::ofstream(small / "derrumbe.json") << about;
    yaml.replace(at, given.string().size(), small.string());
    yaml +=
        cat("refine: {strength: ", dice.oneOf<double>({0.1, 0.5, 1}),
            dice.chance(30) ? ", scale: 1.6" : "", dice.chance(30) ? ", overlap: 0" : "", "}\n");
}

render::RenderPlan RandomShot::plan(const std::string& folder, const std::string& frames,
                                    std::vector<std::string> overrides) const {
    overrides.push_back("output.path=" + folder + "/o.####.exr");
    render::PlanOptions options;
    options.device = "cpu";
    options.threads = 2;  // frames side by side
    options.frames = frames;
    Problems problems;
    try {
        const shot::Shot shot = shot::parseShot(yaml, path / "shot.yaml", overrides);
        render::RenderPlan plan = render::makePlan(shot, options, problems);
        problems.throwIfErrors();
        return plan;
    } catch (const Error& error) {
        FAIL("the random shot is no good one: " << error.what());
        throw;
    }
}

StoredPicture RandomShot::plate(int frame) const {
    const auto file = [&](int number) {
        return (path / numbered("p", number, plateExtension_)).string();
    };
    if (fs::exists(file(frame))) return readStored(file(frame));
    // Held: the one before, or where there is none the first.
    int held = 0;
    for (const int number : frames)
        if (fs::exists(file(number)) && (held == 0 || number < frame)) held = number;
    StoredPicture picture = readStored(file(held));
    if (missing_ == "black")
        for (auto& plane : picture.planes) std::fill(plane.begin(), plane.end(), 0.f);
    return picture;
}

StoredPicture RandomShot::keyframe(int frame) const {
    const auto found = keyframes_.find(frame);
    return found == keyframes_.end() ? StoredPicture{}
                                     : readStored((path / found->second).string());
}

bool RandomShot::reaches(const Source& source, int frame, int x, int y) const {
    const std::vector<float>& drawn = source.drawn.at(frame);
    const auto at = [&](int u, int v) {
        return drawn[static_cast<size_t>(v - data.y) * data.width + (u - data.x)];
    };
    // A disc of the whole radius above grow, then the feather's half width along each axis.
    const int disc = std::max(0, static_cast<int>(std::ceil(source.grow)));
    const int soft = source.feather > 1 ? static_cast<int>(std::ceil(source.feather / 2)) : 0;
    for (int v = std::max(data.y, y - disc - soft);
         v < std::min(data.bottom(), y + disc + soft + 1); ++v)
        for (int u = std::max(data.x, x - disc - soft);
             u < std::min(data.right(), x + disc + soft + 1); ++u) {
            const int across = std::max(0, std::abs(u - x) - soft),
                      along = std::max(0, std::abs(v - y) - soft);
            if (across * across + along * along <= disc * disc && at(u, v) > 0) return true;
        }
    return false;
}

bool RandomShot::mayChange(int frame, int x, int y) const {
    if (onset_ != 0 && frame < onset_) return false;
    // What is cut out whole is cut out for sure where the matte's edge can only be further out.
    const auto whole = [&](const Source& source) {
        return source.grow >= 0 && source.feather <= 1 &&
               source.drawn.at(
                   frame)[static_cast<size_t>(y - data.y) * data.width + (x - data.x)] >= 1;
    };
    bool may = false;
    for (const Source& source : mattes_)
        may = source.subtracts ? may && !whole(source) : may || reaches(source, frame, x, y);
    bool held = false;
    for (const Source& source : holdouts_) held = source.subtracts ? false : held || whole(source);
    return may && !held;
}
