#include "shot/characters.h"

#include <cstdint>
#include <cstdio>

#include "support/strings.h"

namespace derrumbe::shot {

namespace {

/// The code point at `at` and how many bytes it takes; length 0 where the bytes are not UTF-8 (RFC
/// 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
struct Decoded {
    std::uint32_t point = 0;
    size_t length = 0;
};

Decoded decode(std::string_view text, size_t at) {
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(at);
    if (lead < 0x80) return {lead, 1};
    const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
    if (length == 0 || lead > 0xF4 || at + length > text.size()) return {};
    std::uint32_t point = lead & (0x7Fu >> length);
    for (size_t i = 1; i < length; ++i) {
        if ((byte(at + i) & 0xC0) != 0x80) return {};
        point = (point << 6) | (byte(at + i) & 0x3Fu);
    }
    const std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < least[length] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) return {};
    return {point, length};
}

bool isControl(std::uint32_t point, bool lines) {
    if (lines && (point == '\t' || point == '\n' || point == '\r')) return false;
    return point < 0x20 || (point >= 0x7F && point < 0xA0) || point == 0x2028 || point == 0x2029;
}

}  // namespace

std::string characterProblem(std::string_view text, bool lines) {
    for (size_t at = 0; at < text.size();) {
        const Decoded decoded = decode(text, at);
        if (decoded.length == 0) return cat("not UTF-8 at byte ", at + 1);
        if (isControl(decoded.point, lines)) {
            char name[16];
            std::snprintf(name, sizeof name, "U+%04X", static_cast<unsigned>(decoded.point));
            return cat("control character ", name, " at byte ", at + 1);
        }
        at += decoded.length;
    }
    return {};
}

std::string shown(std::string_view text) {
    constexpr size_t kLongest = 60;
    std::string out = "\"";
    for (size_t at = 0; at < text.size();) {
        if (at >= kLongest) {
            out += "...";
            break;
        }
        const Decoded decoded = decode(text, at);
        if (decoded.length == 0 || isControl(decoded.point, false)) {
            out += '?';
        } else {
            out += text.substr(at, decoded.length);
        }
        at += decoded.length == 0 ? 1 : decoded.length;
    }
    return out + "\"";
}

}  // namespace derrumbe::shot
