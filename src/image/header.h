#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace derrumbe::image {

/// A fraction as EXR headers hold it, e.g. framesPerSecond 24000/1001.
struct Rational {
    int numerator = 0;
    unsigned denominator = 1;
    bool operator==(const Rational&) const = default;
};

/// An attribute in OpenEXR's own serialised form (little endian), so that types which nobody here
/// knows survive from plate to result byte for byte.
struct ExrAttribute {
    std::string name;
    std::string type;   ///< as OpenEXR names it: string, float, rational, timecode, ...
    std::string value;  ///< the bytes of the file
    bool operator==(const ExrAttribute&) const = default;
};

/// Everything that a picture's file says beside its pixels. Files of other formats have their
/// metadata translated into EXR attributes.
struct ImageHeader {
    std::string format;       ///< as OpenImageIO names it: openexr, dpx, png, ...
    std::string compression;  ///< as OpenEXR names it; empty for other formats
    std::vector<ExrAttribute> attributes;

    const ExrAttribute* find(const std::string& name) const;
    std::optional<std::string> text(const std::string& name) const;
    std::optional<int> integer(const std::string& name) const;
    std::optional<Rational> rational(const std::string& name) const;
    /// x, y of red, green, blue, white.
    std::optional<std::array<float, 8>> chromaticities() const;
    /// `hh:mm:ss:ff`, with a `;` before the frames when it drops frames; nothing where there is
    /// none.
    std::optional<std::string> timeCode() const;
};

ExrAttribute textAttribute(const std::string& name, const std::string& value);
ExrAttribute intAttribute(const std::string& name, std::int32_t value);
ExrAttribute floatAttribute(const std::string& name, float value);
ExrAttribute rationalAttribute(const std::string& name, Rational value);
ExrAttribute timeCodeAttribute(std::uint32_t timeAndFlags, std::uint32_t userData);
ExrAttribute chromaticitiesAttribute(const std::array<float, 8>& xy);

/// The headers of an EXR file, one a part, straight from its first bytes; nothing is decoded.
/// Throws Error(Input) naming the file where it cannot be read, is no EXR, or its header is
/// damaged (every length is checked against the file's, none is trusted).
/// @param end where given, the byte behind the headers, at which the tables of chunks begin
std::vector<ImageHeader> readExrHeaders(const std::string& file, std::uint64_t* end = nullptr);

/// True when the file begins with OpenEXR's magic number.
bool isExr(const std::string& file);

/// OpenEXR's compression names by their number in the file: none, rle, zips, zip, piz, pxr24, b44,
/// b44a, dwaa, dwab.
const std::vector<std::string>& compressionNames();

}  // namespace derrumbe::image
