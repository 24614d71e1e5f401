#include "fixtures.h"

#include <OpenImageIO/half.h>
#include <OpenImageIO/imageio.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace fs = std::filesystem;

TemporaryFolder::TemporaryFolder() {
    static int count = 0;
    path = fs::temp_directory_path() /
           ("derrumbe_image_" + std::to_string(::getpid()) + "_" + std::to_string(count++));
    fs::create_directories(path);
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
}

void writeFixture(const std::string& file, const derrumbe::Frame& frame,
                  const FixtureFormat& format) {
    const bool ten = format.type == "uint10";
    OIIO::ImageSpec spec(frame.data.width, frame.data.height, frame.channelCount(),
                         OIIO::TypeDesc(ten ? "uint16" : format.type));
    if (ten) spec.attribute("oiio:BitsPerSample", 10);
    spec.channelnames = frame.channels;
    spec.alpha_channel = frame.channel("A");
    spec.x = frame.data.x, spec.y = frame.data.y;
    spec.full_x = frame.display.x, spec.full_y = frame.display.y;
    spec.full_width = frame.display.width, spec.full_height = frame.display.height;
    spec.tile_width = spec.tile_height = format.tile;
    spec.attribute("PixelAspectRatio", frame.pixelAspect);
    spec.attribute("DateTime", "2024:01:02 03:04:05");
    // Else the writer divides or multiplies colours by alpha.
    spec.attribute("oiio:UnassociatedAlpha", 1);
    if (!format.compression.empty()) spec.attribute("compression", format.compression);
    auto output = OIIO::ImageOutput::create(file);
    if (!output || !output->open(file, spec) ||
        !output->write_image(OIIO::TypeFloat, frame.pixels.data()) || !output->close())
        throw std::runtime_error(file + ": " + (output ? output->geterror() : OIIO::geterror()));
}

derrumbe::Frame patternFrame(const derrumbe::Window& data, const derrumbe::Window& display,
                             const std::vector<std::string>& channels, bool hdr) {
    derrumbe::Frame frame;
    frame.data = data;
    frame.display = display;
    frame.channels = channels;
    frame.pixels.resize(static_cast<size_t>(data.width) * data.height * channels.size());
    std::uint32_t state = 12345;
    for (float& value : frame.pixels) {
        state = state * 1664525u + 1013904223u;
        value = static_cast<float>(state >> 8) / static_cast<float>(1 << 24);
        if (hdr) value = (value - 0.1f) * (state & 64 ? 40.f : 1.f);
    }
    return frame;
}

void roundToHalf(derrumbe::Frame& frame) {
    for (float& value : frame.pixels) value = static_cast<float>(half(value));
}

void truncateFile(const std::string& file, double share) {
    fs::resize_file(file, static_cast<std::uintmax_t>(double(fs::file_size(file)) * share));
}

bool sameBits(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

std::string bytesOf(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}
