#include "image/write_exr.h"

#include <OpenEXR/ImfChannelList.h>
#include <OpenEXR/ImfChromaticitiesAttribute.h>
#include <OpenEXR/ImfFrameBuffer.h>
#include <OpenEXR/ImfHeader.h>
#include <OpenEXR/ImfIO.h>
#include <OpenEXR/ImfOpaqueAttribute.h>
#include <OpenEXR/ImfOutputFile.h>
#include <OpenEXR/ImfStringAttribute.h>
#include <OpenEXR/ImfThreading.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>
#include <thread>

#include "support/atomic_file.h"
#include "support/error.h"
#include "support/strings.h"

namespace derrumbe::image {

namespace {

constexpr float largestHalf = 65504.f;

size_t sampleBytes(PixelType type) {
    return type == PixelType::Half ? 2 : 4;
}

/// Into memory, so that a full disk is met by one checked write of ours: OpenEXR writes its line
/// table in a destructor, which cannot report.
class MemoryStream : public Imf::OStream {
  public:
    MemoryStream() : Imf::OStream("memory") {}
    void write(const char data[], int count) override {
        const size_t end = at_ + static_cast<size_t>(count);
        if (end > bytes.size()) bytes.resize(end);
        std::memcpy(bytes.data() + at_, data, static_cast<size_t>(count));
        at_ = end;
    }
    uint64_t tellp() override { return at_; }
    void seekp(uint64_t position) override { at_ = position; }

    std::string bytes;

  private:
    size_t at_ = 0;
};

class MemoryInput : public Imf::IStream {
  public:
    explicit MemoryInput(const std::string& bytes) : Imf::IStream("attribute"), bytes_(bytes) {}
    bool read(char data[], int count) override {
        if (at_ + static_cast<size_t>(count) > bytes_.size())
            throw std::runtime_error("an attribute is shorter than its type");
        std::memcpy(data, bytes_.data() + at_, static_cast<size_t>(count));
        at_ += static_cast<size_t>(count);
        return at_ < bytes_.size();
    }
    uint64_t tellg() override { return at_; }
    void seekg(uint64_t position) override { at_ = position; }

  private:
    const std::string& bytes_;
    size_t at_ = 0;
};

/// Attributes that describe how the plate's file is stored, not what it shows.
bool isStructural(const std::string& name) {
    static const std::set<std::string> names = {"channels",
                                                "compression",
                                                "dataWindow",
                                                "displayWindow",
                                                "lineOrder",
                                                "tiles",
                                                "type",
                                                "version",
                                                "chunkCount",
                                                "pixelAspectRatio",
                                                "name",
                                                "preview",
                                                "multiView",
                                                "maxSamplesPerPixel",
                                                "dwaCompressionLevel",
                                                "acesImageContainerFlag"};
    return names.count(name) != 0;
}

void insert(Imf::Header& header, const ExrAttribute& attribute) {
    // A standard name whose type is not the standard's cannot be inserted over OpenEXR's own.
    const auto present = header.find(attribute.name);
    if (present != header.end() && attribute.type != present.attribute().typeName()) return;
    std::unique_ptr<Imf::Attribute> value;
    if (Imf::Attribute::knownType(attribute.type.c_str()))
        value.reset(Imf::Attribute::newAttribute(attribute.type.c_str()));
    else
        value = std::make_unique<Imf::OpaqueAttribute>(attribute.type.c_str());
    MemoryInput bytes(attribute.value);
    value->readValueFrom(bytes, static_cast<int>(attribute.value.size()), 2);
    header.insert(attribute.name, *value);
}

void addChannel(ExrOutput& output, ExrChannel channel) {
    for (const ExrChannel& other : output.channels)
        if (other.name == channel.name)
            throw Error(ExitCode::Usage, cat("two channels of the output are called '",
                                             channel.name, "'; leave one of the layers out"));
    output.channels.push_back(std::move(channel));
}

/// Stores one float as its channel's type.
void store(float value, PixelType type, char* at, std::int64_t& clamped) {
    if (type == PixelType::Half) {
        if (std::abs(value) > largestHalf && std::isfinite(value)) {
            value = std::copysign(largestHalf, value);
            ++clamped;
        }
        const half stored(value);
        std::memcpy(at, &stored, sizeof stored);
    } else {
        std::memcpy(at, &value, sizeof value);  // a UInt32's bits travel in the float
    }
}

/// One channel over the output's data window; `value(x, y)` in window coordinates.
template <class Value>
ExrChannel makeChannel(ExrOutput& output, const std::string& name, PixelType type, Value value) {
    const Window& window = output.data;
    const size_t size = sampleBytes(type);
    ExrChannel channel{name, type, {}};
    channel.samples.resize(static_cast<size_t>(window.width) * window.height * size);
    char* at = channel.samples.data();
    for (int y = window.y; y < window.bottom(); ++y)
        for (int x = window.x; x < window.right(); ++x, at += size)
            store(value(x, y), type, at, output.clamped);
    return channel;
}

Imf::PixelType imfType(PixelType type) {
    return type == PixelType::Half ? Imf::HALF : type == PixelType::UInt32 ? Imf::UINT : Imf::FLOAT;
}

Imf::Header makeHeader(const ExrOutput& output) {
    const auto box = [](const Window& w) {
        return Imath::Box2i(Imath::V2i(w.x, w.y), Imath::V2i(w.right() - 1, w.bottom() - 1));
    };
    Imf::Header header(box(output.display), box(output.data), output.pixelAspect);
    const auto& names = compressionNames();
    const auto name = std::find(names.begin(), names.end(), output.compression);
    header.compression() = static_cast<Imf::Compression>(name - names.begin());
    if (output.header)
        for (const ExrAttribute& attribute : output.header->attributes) {
            const auto& dropped = output.dropped;
            if (isStructural(attribute.name) ||
                std::find(dropped.begin(), dropped.end(), attribute.name) != dropped.end())
                continue;
            insert(header, attribute);
        }
    if (output.framesPerSecond)
        insert(header, rationalAttribute("framesPerSecond", *output.framesPerSecond));
    if (output.chromaticities) insert(header, chromaticitiesAttribute(*output.chromaticities));
    for (const auto& [key, value] : output.metadata) {
        header.erase(key);
        header.insert(key, Imf::StringAttribute(value));
    }
    for (const ExrChannel& channel : output.channels)
        header.channels().insert(channel.name, Imf::Channel(imfType(channel.type)));
    return header;
}

void checkCompression(const std::string& name) {
    const auto& names = compressionNames();
    if (std::find(names.begin(), names.end(), name) != names.end()) return;
    std::string all;
    for (const std::string& known : names) all += (all.empty() ? "" : ", ") + known;
    const std::string meant = nearest(name, names);
    throw Error(ExitCode::Usage,
                cat("unknown EXR compression '", name, "'",
                    meant.empty() ? "; there are " + all : "; did you mean " + meant + "?"));
}

}  // namespace

void addFrame(ExrOutput& output, const Frame& frame, const std::vector<PixelType>& types) {
    output.data = frame.data;
    output.display = frame.display;
    output.pixelAspect = frame.pixelAspect;
    for (int c = 0; c < frame.channelCount(); ++c)
        addChannel(output, makeChannel(output, frame.channels[c], types.at(c),
                                       [&](int x, int y) { return frame.at(x, y)[c]; }));
}

void addLayer(ExrOutput& output, const Frame& frame, const std::string& layer, PixelType type) {
    const Window covered = intersect(frame.data, output.data);
    for (int c = 0; c < frame.channelCount(); ++c)
        addChannel(
            output, makeChannel(output, layer + "." + frame.channels[c], type, [&](int x, int y) {
                const bool inside =
                    x >= covered.x && x < covered.right() && y >= covered.y && y < covered.bottom();
                return inside ? frame.at(x, y)[c] : 0.f;
            }));
}

void addMatte(ExrOutput& output, const Matte& matte, const std::string& name, PixelType type) {
    addChannel(output,
               makeChannel(output, name, type, [&](int x, int y) { return matte.at(x, y); }));
}

std::string encodeExr(const ExrOutput& output) {
    checkCompression(output.compression);
    // OpenEXR packs blocks on these threads and writes them in order: the bytes stay the same.
    if (Imf::globalThreadCount() == 0)
        Imf::setGlobalThreadCount(static_cast<int>(std::thread::hardware_concurrency()));
    MemoryStream stream;
    try {
        // A string that grows is there twice for a moment; pages that stay untouched cost nothing.
        size_t whole = 1 << 16;
        for (const ExrChannel& channel : output.channels) whole += channel.samples.size();
        stream.bytes.reserve(whole);
        Imf::OutputFile file(stream, makeHeader(output));
        Imf::FrameBuffer buffer;
        for (const ExrChannel& channel : output.channels) {
            const size_t size = sampleBytes(channel.type);
            const size_t row = size * output.data.width;
            // OpenEXR wants the address that pixel (0, 0) would have.
            char* origin = const_cast<char*>(channel.samples.data()) -
                           static_cast<std::ptrdiff_t>(output.data.y) * row -
                           static_cast<std::ptrdiff_t>(output.data.x) * size;
            buffer.insert(channel.name, Imf::Slice(imfType(channel.type), origin, size, row));
        }
        file.setFrameBuffer(buffer);
        file.writePixels(output.data.height);
    } catch (const Error&) {
        throw;
    } catch (const std::bad_alloc&) {
        throw;
    } catch (const std::exception& error) {
        throw Error(ExitCode::Output, cat("cannot make an EXR: ", error.what()));
    }
    return std::move(stream.bytes);
}

void writeExr(const std::filesystem::path& path, const ExrOutput& output) {
    std::string bytes;
    try {
        bytes = encodeExr(output);
    } catch (const Error& error) {
        throw Error(error.code(),
                    cat("cannot write ", path.string(), ": ", error.problems().front().message));
    }
    writeTextAtomically(path, bytes);
}

bool isLossy(const std::string& compression, PixelType type) {
    checkCompression(compression);
    if (compression == "pxr24") return type == PixelType::Float;  // 24 of 32 bits are kept
    return compression == "b44" || compression == "b44a" || compression == "dwaa" ||
           compression == "dwab";
}

}  // namespace derrumbe::image
