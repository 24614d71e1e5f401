#include "fixtures.h"

#include <OpenImageIO/half.h>
#include <OpenImageIO/imageio.h>
#include <unistd.h>

#include <algorithm>
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

namespace {

/// Of the channels from `first` on, before `last`.
OIIO::ImageSpec specOf(const derrumbe::Frame& frame, const FixtureFormat& format, int first,
                       int last) {
    const bool ten = format.type == "uint10";
    OIIO::ImageSpec spec(frame.data.width, frame.data.height, last - first,
                         OIIO::TypeDesc(ten ? "uint16" : format.type));
    if (ten) spec.attribute("oiio:BitsPerSample", 10);
    spec.channelnames.assign(frame.channels.begin() + first, frame.channels.begin() + last);
    const int alpha = frame.channel("A");
    spec.alpha_channel = alpha >= first && alpha < last ? alpha - first : -1;
    spec.x = frame.data.x, spec.y = frame.data.y;
    spec.full_x = frame.display.x, spec.full_y = frame.display.y;
    spec.full_width = frame.display.width, spec.full_height = frame.display.height;
    spec.tile_width = spec.tile_height = format.tile;
    spec.attribute("PixelAspectRatio", frame.pixelAspect);
    spec.attribute("DateTime", "2024:01:02 03:04:05");
    // Else the writer divides or multiplies colours by alpha.
    spec.attribute("oiio:UnassociatedAlpha", 1);
    if (!format.compression.empty()) spec.attribute("compression", format.compression);
    return spec;
}

}  // namespace

void writeFixture(const std::string& file, const derrumbe::Frame& frame,
                  const FixtureFormat& format) {
    const int all = frame.channelCount(), first = format.ownPart ? std::min(all, 4) : all;
    std::vector<OIIO::ImageSpec> specs = {specOf(frame, format, 0, first)};
    if (first < all) specs.push_back(specOf(frame, format, first, all));
    if (format.idChannel) {
        OIIO::ImageSpec& spec = specs.back();
        spec.channelformats.assign(static_cast<size_t>(spec.nchannels), spec.format);
        spec.channelformats.back() = OIIO::TypeUInt32;
    }
    const bool parts = specs.size() > 1;
    if (parts)
        for (OIIO::ImageSpec& spec : specs)
            spec.attribute("oiio:subimagename", spec.channelnames.front() + " part");
    auto output = OIIO::ImageOutput::create(file);
    bool good =
        output && (parts ? output->open(file, 2, specs.data()) : output->open(file, specs.front()));
    int channel = 0;
    for (const OIIO::ImageSpec& spec : specs) {
        if (&spec != &specs.front())
            good = good && output->open(file, spec, OIIO::ImageOutput::AppendSubimage);
        good = good && output->write_image(OIIO::TypeFloat, frame.pixels.data() + channel,
                                           all * static_cast<OIIO::stride_t>(sizeof(float)));
        channel += spec.nchannels;
    }
    if (!good || !output->close())
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
