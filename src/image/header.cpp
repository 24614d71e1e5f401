#include "image/header.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "support/error.h"
#include "support/strings.h"

namespace derrumbe::image {

namespace {

constexpr std::uint32_t exrMagic = 0x01312f76;
constexpr std::uint32_t multiPartFlag = 0x1000;
// A Cryptomatte manifest of a large set is some megabytes; more than this is no header.
constexpr size_t largestHeader = size_t{256} << 20;
constexpr size_t largestName = 255;
constexpr size_t mostParts = 4096;

template <class Number>
std::string bytes(Number value) {
    std::string text(sizeof value, '\0');
    std::memcpy(text.data(), &value, sizeof value);
    return text;
}

template <class Number>
Number numberAt(const std::string& text, size_t at) {
    Number value;
    std::memcpy(&value, text.data() + at, sizeof value);
    return value;
}

/// Reads the header's bytes one by one, within its bounds.
class HeaderReader {
  public:
    explicit HeaderReader(const std::string& file) : file_(file), in_(file, std::ios::binary) {
        if (!in_) fail(std::strerror(errno));
        in_.seekg(0, std::ios::end);
        left_ =
            std::min(static_cast<size_t>(std::max<std::streamoff>(0, in_.tellg())), largestHeader);
        in_.seekg(0);
    }

    [[noreturn]] void fail(const std::string& why) const {
        throw Error(ExitCode::Input, cat("cannot read ", file_, ": ", why));
    }

    std::string read(size_t count) {
        if (count > left_) fail("its EXR header is cut off or damaged; write the file again");
        std::string data(count, '\0');
        in_.read(data.data(), static_cast<std::streamsize>(count));
        if (!in_) fail("its EXR header is cut off or damaged; write the file again");
        left_ -= count;
        position_ += count;
        return data;
    }

    std::uint64_t position() const { return position_; }

    std::uint32_t number() { return numberAt<std::uint32_t>(read(4), 0); }

    std::string name() {
        std::string text;
        for (char c = read(1)[0]; c != '\0'; c = read(1)[0]) {
            text += c;
            if (text.size() > largestName) fail("its EXR header is damaged; write the file again");
        }
        return text;
    }

  private:
    std::string file_;
    std::ifstream in_;
    size_t left_ = 0;
    std::uint64_t position_ = 0;
};

}  // namespace

const std::vector<std::string>& compressionNames() {
    static const std::vector<std::string> names = {"none",  "rle", "zips", "zip",  "piz",
                                                   "pxr24", "b44", "b44a", "dwaa", "dwab"};
    return names;
}

const ExrAttribute* ImageHeader::find(const std::string& name) const {
    const auto found = std::find_if(attributes.begin(), attributes.end(),
                                    [&](const ExrAttribute& a) { return a.name == name; });
    return found == attributes.end() ? nullptr : &*found;
}

std::optional<std::string> ImageHeader::text(const std::string& name) const {
    const ExrAttribute* attribute = find(name);
    if (!attribute || attribute->type != "string") return std::nullopt;
    return attribute->value;
}

std::optional<int> ImageHeader::integer(const std::string& name) const {
    const ExrAttribute* attribute = find(name);
    if (!attribute || attribute->type != "int" || attribute->value.size() != 4) return std::nullopt;
    return numberAt<std::int32_t>(attribute->value, 0);
}

std::optional<Rational> ImageHeader::rational(const std::string& name) const {
    const ExrAttribute* attribute = find(name);
    if (!attribute || attribute->type != "rational" || attribute->value.size() != 8)
        return std::nullopt;
    return Rational{numberAt<std::int32_t>(attribute->value, 0),
                    numberAt<std::uint32_t>(attribute->value, 4)};
}

std::optional<std::array<float, 8>> ImageHeader::chromaticities() const {
    const ExrAttribute* attribute = find("chromaticities");
    if (!attribute || attribute->value.size() != 32) return std::nullopt;
    std::array<float, 8> xy{};
    std::memcpy(xy.data(), attribute->value.data(), 32);
    return xy;
}

std::optional<std::string> ImageHeader::timeCode() const {
    const ExrAttribute* attribute = find("timeCode");
    if (!attribute || attribute->value.size() != 8) return std::nullopt;
    // SMPTE ST 12-1, binary coded decimal, as OpenEXR packs it for TV60.
    const std::uint32_t word = numberAt<std::uint32_t>(attribute->value, 0);
    const auto decimal = [&](int shift, int tensBits) {
        return static_cast<int>((word >> shift & 0xf) +
                                10 * (word >> (shift + 4) & ((1u << tensBits) - 1)));
    };
    char text[32];
    std::snprintf(text, sizeof text, "%02d:%02d:%02d%c%02d", decimal(24, 2), decimal(16, 3),
                  decimal(8, 3), word >> 6 & 1 ? ';' : ':', decimal(0, 2));
    return text;
}

ExrAttribute textAttribute(const std::string& name, const std::string& value) {
    return {name, "string", value};
}

ExrAttribute intAttribute(const std::string& name, std::int32_t value) {
    return {name, "int", bytes(value)};
}

ExrAttribute floatAttribute(const std::string& name, float value) {
    return {name, "float", bytes(value)};
}

ExrAttribute rationalAttribute(const std::string& name, Rational value) {
    return {name, "rational", bytes(value.numerator) + bytes(value.denominator)};
}

ExrAttribute timeCodeAttribute(std::uint32_t timeAndFlags, std::uint32_t userData) {
    return {"timeCode", "timecode", bytes(timeAndFlags) + bytes(userData)};
}

ExrAttribute chromaticitiesAttribute(const std::array<float, 8>& xy) {
    std::string value(32, '\0');
    std::memcpy(value.data(), xy.data(), 32);
    return {"chromaticities", "chromaticities", value};
}

bool isExr(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    std::uint32_t magic = 0;
    in.read(reinterpret_cast<char*>(&magic), sizeof magic);
    return in && magic == exrMagic;
}

std::vector<ImageHeader> readExrHeaders(const std::string& file, std::uint64_t* end) {
    HeaderReader reader(file);
    if (reader.number() != exrMagic) reader.fail("it is not an EXR file");
    const bool multiPart = (reader.number() & multiPartFlag) != 0;
    std::vector<ImageHeader> parts;
    do {
        ImageHeader header;
        header.format = "openexr";
        for (std::string name = reader.name(); !name.empty(); name = reader.name()) {
            ExrAttribute attribute{name, reader.name(), ""};
            attribute.value = reader.read(reader.number());
            if (attribute.name == "compression" && attribute.value.size() == 1) {
                const size_t code = static_cast<unsigned char>(attribute.value[0]);
                if (code < compressionNames().size()) header.compression = compressionNames()[code];
            }
            header.attributes.push_back(std::move(attribute));
        }
        if (multiPart && header.attributes.empty()) break;  // an empty header ends the list
        parts.push_back(std::move(header));
        if (parts.size() > mostParts) reader.fail("it has more than 4096 parts");
    } while (multiPart);
    if (parts.empty()) reader.fail("it has no part");
    if (end) *end = reader.position();
    return parts;
}

}  // namespace derrumbe::image
