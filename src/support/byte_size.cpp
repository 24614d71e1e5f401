#include "support/byte_size.h"

#include <cctype>
#include <charconv>
#include <cstdio>

namespace derrumbe {

namespace {

/// Bytes of a unit in lower case without its last letter b; 0 for none that is known.
double unitBytes(std::string unit) {
    if (!unit.empty() && unit.back() == 'b') unit.pop_back();
    if (unit.empty()) return 1;
    const bool binary = unit.size() == 2 && unit.back() == 'i';
    if (unit.size() > 1 && !binary) return 0;
    double bytes = 1;
    for (const char letter : std::string_view("kmgt")) {
        bytes *= binary ? 1024 : 1000;
        if (unit.front() == letter) return bytes;
    }
    return 0;
}

}  // namespace

std::optional<std::uint64_t> parseByteSize(std::string_view text) {
    double number = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
    if (error != std::errc()) return std::nullopt;
    std::string unit;
    for (const char* at = rest; at != end; ++at)
        if (*at != ' ' || !unit.empty())
            unit.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(*at))));
    const double bytes = number * unitBytes(unit);
    constexpr double kMost = 9.2e18;
    if (!(bytes >= 1 && bytes <= kMost)) return std::nullopt;
    return static_cast<std::uint64_t>(bytes);
}

std::string byteSizeText(double bytes) {
    char text[64];
    const bool large = bytes >= 1e9;
    std::snprintf(text, sizeof text, "%.1f %s", bytes / (large ? 1073741824.0 : 1048576.0),
                  large ? "GiB" : "MiB");
    return text;
}

}  // namespace derrumbe
