#include "image/probe.h"

#include <OpenImageIO/imageio.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>

#include "image/colour_ids.h"
#include "support/error.h"
#include "support/strings.h"

namespace derrumbe::image {

namespace {

constexpr int longestSide = 65536;
constexpr int mostChannels = 1024;

[[noreturn]] void fail(const std::string& file, const std::string& why) {
    throw Error(ExitCode::Input, cat("cannot read ", file, ": ", why));
}

PixelType pixelType(OIIO::TypeDesc type, int bits) {
    switch (type.basetype) {
        case OIIO::TypeDesc::UINT8:
        case OIIO::TypeDesc::INT8:
            return PixelType::UInt8;
        case OIIO::TypeDesc::UINT16:
        case OIIO::TypeDesc::INT16:
            return bits == 10   ? PixelType::UInt10
                   : bits == 12 ? PixelType::UInt12
                                : PixelType::UInt16;
        case OIIO::TypeDesc::UINT32:
        case OIIO::TypeDesc::INT32:
            return PixelType::UInt32;
        case OIIO::TypeDesc::HALF:
            return PixelType::Half;
        default:
            return PixelType::Float;
    }
}

/// Metadata of a format that is not EXR, as EXR attributes. Names of the standard attributes are
/// OpenEXR's; the rest keep OpenImageIO's.
std::vector<ExrAttribute> translate(const OIIO::ImageSpec& spec) {
    std::vector<ExrAttribute> attributes;
    const auto standardName = [](const std::string& name) -> std::string {
        if (name == "DateTime") return "capDate";
        if (name == "ImageDescription") return "comments";
        if (name == "Copyright") return "owner";
        return name;
    };
    for (const OIIO::ParamValue& param : spec.extra_attribs) {
        const std::string name = param.name().string();
        // Notes of the reader to itself, and what the writer decides.
        static const std::vector<std::string> ours = {"oiio:",         "PixelAspectRatio",
                                                      "compression",   "Orientation",
                                                      "ICCProfile",    "jpeg:",
                                                      "png:",          "tiff:",
                                                      "XResolution",   "YResolution",
                                                      "Resolution",    "planarconfig",
                                                      "thumbnail",     "openexr:",
                                                      "worldtocamera", "worldtoscreen"};
        const bool skip = std::any_of(ours.begin(), ours.end(), [&](const std::string& prefix) {
            return name.compare(0, prefix.size(), prefix) == 0;
        });
        if (skip || name.empty() || name.size() > 255) continue;
        const OIIO::TypeDesc type = param.type();
        if (name == "smpte:TimeCode" && type.size() == 8) {
            const auto* words = static_cast<const std::uint32_t*>(param.data());
            attributes.push_back(timeCodeAttribute(words[0], words[1]));
        } else if (type == OIIO::TypeString) {
            attributes.push_back(textAttribute(standardName(name), param.get_string()));
        } else if (type == OIIO::TypeInt || type == OIIO::TypeUInt) {
            attributes.push_back(intAttribute(name, param.get_int()));
        } else if (type == OIIO::TypeFloat) {
            attributes.push_back(floatAttribute(name, param.get_float()));
        }
    }
    return attributes;
}

/// 23.976 is 24000/1001; a rate that is no such fraction keeps three decimals.
std::optional<Rational> rateOf(float rate) {
    if (!std::isfinite(rate) || rate < 0.5f || rate > 1000) return std::nullopt;
    for (int base : {24, 30, 48, 60, 120})
        if (std::abs(rate - base * 1000 / 1001.f) < 0.004f) return Rational{base * 1000, 1001};
    const float whole = std::round(rate);
    if (std::abs(rate - whole) < 1e-4f) return Rational{static_cast<int>(whole), 1};
    return Rational{static_cast<int>(std::lround(rate * 1000)), 1000};
}

std::optional<Rational> frameRate(const ImageHeader& header, const OIIO::ImageSpec& spec) {
    if (const auto rate = header.rational("framesPerSecond"))
        if (rate->numerator > 0 && rate->denominator > 0) return rate;
    for (const char* name : {"dpx:FrameRate", "dpx:TemporalFrameRate", "FramesPerSecond"})
        if (const float rate = spec.get_float_attribute(name)) return rateOf(rate);
    return std::nullopt;
}

bool hasChannel(const OIIO::ImageSpec& spec, const std::string& name) {
    return std::find(spec.channelnames.begin(), spec.channelnames.end(), name) !=
           spec.channelnames.end();
}

/// Lengths in a header are claims. What they ask for is checked before anything is allocated.
void checkSize(const std::string& file, const OIIO::ImageSpec& spec, double samples) {
    if (spec.width < 1 || spec.height < 1 || spec.width > longestSide || spec.height > longestSide)
        fail(file, cat("its header says ", spec.width, "x", spec.height,
                       " pixels; up to 65536 a side can be read. If the picture is smaller, the "
                       "file is damaged: write it again"));
    if (std::abs(double(spec.x)) > 1e6 || std::abs(double(spec.y)) > 1e6)
        fail(file, "its data window lies a million pixels off; the file is damaged");
    if (samples / spec.width / spec.height > mostChannels)
        fail(file, cat("it has more than ", mostChannels, " channels; write fewer layers"));
    const double bytes = samples * sizeof(float);
    std::error_code error;
    const double stored = static_cast<double>(std::filesystem::file_size(file, error));
    // No codec here packs a picture 8192-fold, but an 8-pixel file may claim gigabytes.
    if (!error && bytes > (256 << 20) && bytes > stored * 8192)
        fail(file, cat("its header says ", spec.width, "x", spec.height,
                       " pixels, which a file of ", stored, " bytes cannot hold; it is damaged"));
    const double memory = double(::sysconf(_SC_PHYS_PAGES)) * double(::sysconf(_SC_PAGE_SIZE));
    if (bytes > memory * 0.8)
        throw Error(ExitCode::Memory,
                    cat("cannot read ", file, ": its pixels need ", bytes / (1 << 30),
                        " GiB, this machine has ", memory / (1 << 30), " GiB"));
}

void addPart(PlateProbe& result, const OIIO::ImageSpec& spec, int index, const std::string& name) {
    PlateProbe::Part part{index, static_cast<int>(result.channels.size()), spec.nchannels};
    const int bits = spec.get_int_attribute("oiio:BitsPerSample");
    for (int c = 0; c < spec.nchannels; ++c) {
        std::string channel = spec.channelnames[c];
        const auto taken = [&] {
            return std::find(result.channels.begin(), result.channels.end(), channel) !=
                   result.channels.end();
        };
        if (taken()) channel = (name.empty() ? cat("part", index) : name) + "." + channel;
        while (taken()) channel += "_";
        result.channels.push_back(channel);
        result.types.push_back(pixelType(spec.channelformat(c), bits));
    }
    result.parts.push_back(part);
}

/// Only in an EXR are 32-bit integers ids, whose bits must not change.
void readIntegersAsNumbers(PlateProbe& result) {
    if (std::count(result.types.begin(), result.types.end(), PixelType::UInt32) == 0) return;
    std::replace(result.types.begin(), result.types.end(), PixelType::UInt32, PixelType::Float);
    result.notes.push_back("its 32-bit integers are read with the 24 bits that a float keeps");
}

/// Header lines that describe the colours of the plate, in the contract's order.
void findColorSpace(PlateProbe& result) {
    const ImageHeader& header = *result.header;
    if (header.integer("acesImageContainerFlag").value_or(0) == 1) {
        result.colorSpaceHint = "lin_ap0_scene";
        result.colorSpaceHintSource = "acesImageContainerFlag";
    } else if (const auto id = header.text("colorInteropID"); id && !id->empty()) {
        result.colorSpaceHint = *id;
        result.colorSpaceHintSource = "colorInteropID";
    } else if (const auto xy = header.chromaticities()) {
        result.colorSpaceHint = spaceOfChromaticities(*xy);
        result.colorSpaceHintSource = "chromaticities";
        if (result.colorSpaceHint.empty())
            result.notes.push_back(
                "its chromaticities belong to no colour space that is known here");
    }
    if (result.colorSpaceHint.empty()) result.colorSpaceHintSource.clear();
}

/// Lower-case letters, so that a damaged file is not told apart by its name's spelling.
std::string extensionOf(const std::string& file) {
    std::string extension = std::filesystem::path(file).extension().string();
    for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return extension;
}

}  // namespace

const char* text(PixelType type) {
    switch (type) {
        case PixelType::UInt8:
            return "8 bit";
        case PixelType::UInt10:
            return "10 bit";
        case PixelType::UInt12:
            return "12 bit";
        case PixelType::UInt16:
            return "16 bit";
        case PixelType::UInt32:
            return "32 bit integer";
        case PixelType::Half:
            return "half";
        case PixelType::Float:
            return "float";
    }
    return "?";
}

PixelType exrTypeFor(PixelType type) {
    return type == PixelType::Half || type == PixelType::UInt32 ? type : PixelType::Float;
}

PlateProbe probe(const std::string& file) {
    std::error_code error;
    const auto status = std::filesystem::status(file, error);
    if (!std::filesystem::exists(status))
        fail(file, "there is no such file; check the path and the frame range");
    if (std::filesystem::is_directory(status)) fail(file, "it is a folder, name a picture");
    if (!std::filesystem::is_regular_file(status)) fail(file, "it is not a plain file");
    if (std::filesystem::file_size(file, error) == 0 && !error)
        fail(file, "it is empty; write it again");
    static const std::vector<std::string> movies = {".mov", ".mp4", ".mkv", ".avi", ".mxf", ".gif"};
    if (std::find(movies.begin(), movies.end(), extensionOf(file)) != movies.end())
        fail(file, "it is a movie; write it out as a sequence of frames");

    OIIO::ImageSpec hints;
    hints.attribute("oiio:UnassociatedAlpha", 1);  // as readPlate opens it
    auto input = OIIO::ImageInput::open(file, &hints);
    if (!input) {
        std::string why = OIIO::geterror();
        if (why.size() > 300) why = why.substr(0, 300) + "...";
        fail(file, cat("no picture format that is known, or damaged (", why, ")"));
    }

    // Which part is the plate.
    std::vector<OIIO::ImageSpec> specs;
    int colour = -1;
    for (int i = 0; i < 4096 && input->seek_subimage(i, 0); ++i) {
        specs.push_back(input->spec(i, 0));
        if (colour < 0 && hasChannel(specs[i], "R") && hasChannel(specs[i], "G") &&
            hasChannel(specs[i], "B"))
            colour = i;
        // Sub-images of other formats are pages or smaller copies.
        if (std::string(input->format_name()) != "openexr") break;
    }
    (void)input->geterror();
    if (specs.empty()) fail(file, "it holds no picture; write it again");
    colour = std::max(colour, 0);
    if (specs[colour].deep)
        fail(file, "it is a deep image, which cannot be a plate or matte; flatten it first");

    PlateProbe result;
    result.file = file;
    const OIIO::ImageSpec spec = input->spec(colour, 0);
    auto header = std::make_shared<ImageHeader>();
    std::vector<ImageHeader> exrParts;
    if (std::string(input->format_name()) == "openexr") exrParts = readExrHeaders(file);
    if (static_cast<size_t>(colour) < exrParts.size()) {
        *header = exrParts[colour];
    } else {
        header->format = input->format_name();
        header->attributes = translate(spec);
    }
    checkSize(file, spec, double(spec.width) * spec.height * spec.nchannels);
    result.data = {spec.x, spec.y, spec.width, spec.height};
    result.display = {spec.full_x, spec.full_y, spec.full_width, spec.full_height};
    if (result.display.empty()) result.display = result.data;
    const float aspect = spec.get_float_attribute("PixelAspectRatio", 1.0f);
    result.pixelAspect = std::isfinite(aspect) && aspect > 0.01f && aspect < 100 ? aspect : 1;
    result.unassociatedAlpha =
        spec.alpha_channel >= 0 && spec.get_int_attribute("oiio:UnassociatedAlpha") != 0;

    if (const int turn = spec.get_int_attribute("Orientation", 1); turn != 1)
        result.notes.push_back(cat("its orientation tag (", turn,
                                   ") is ignored: the pixels are used as they are stored"));
    addPart(result, spec, colour, "");
    for (int i = 0; i < static_cast<int>(specs.size()); ++i) {
        if (i == colour) continue;
        const OIIO::ImageSpec& other = specs[i];
        const auto part = static_cast<size_t>(i) < exrParts.size()
                              ? exrParts[i].text("name").value_or(cat("part", i))
                              : cat("part", i);
        if (other.deep || other.x != spec.x || other.y != spec.y || other.width != spec.width ||
            other.height != spec.height) {
            result.notes.push_back(cat("part '", part, "' is ",
                                       other.deep ? "deep" : "of another data window",
                                       " and is left out"));
            continue;
        }
        addPart(result, other, i, part);
    }
    checkSize(file, spec, double(spec.width) * spec.height * double(result.channels.size()));

    result.type = result.types[0];
    for (int c = 0; c < std::min(3, result.parts[0].channelCount); ++c)
        if (result.types[c] == PixelType::Float) result.type = PixelType::Float;
    if (exrParts.empty()) readIntegersAsNumbers(result);
    if (spec.format == OIIO::TypeDesc::DOUBLE)
        result.notes.push_back("its 64-bit numbers are read with the 24 bits that a float keeps");
    result.framesPerSecond = frameRate(*header, spec);
    if (result.framesPerSecond && !header->find("framesPerSecond"))
        header->attributes.push_back(rationalAttribute("framesPerSecond", *result.framesPerSecond));
    result.header = std::move(header);
    findColorSpace(result);
    return result;
}

}  // namespace derrumbe::image
