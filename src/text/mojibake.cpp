#include "text/mojibake.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <vector>

#include "text/utf8.h"

namespace derrumbe::text {
namespace {

struct Range {
    char32_t low, high;
};

/// One place of an unlikely sequence.
struct Item {
    enum Kind { In, NotIn, Space, Word, Start };
    Kind kind;
    int set = 0;
    bool optional = false;
    static Item start() { return {Start}; }
};

struct Charmap {
    bool sloppy;         ///< byte 0x1A stands for U+FFFD
    bool macRoman;       ///< an en dash before a space is common there: no space is put back
    char32_t high[128];  ///< bytes 128 to 255
};

struct Entity {
    const char* from;
    const char* to;
};

#include "text/mojibake_tables.inc"

bool in(int set, char32_t c) {
    const auto& ranges = kClasses[set];
    const auto next =
        std::upper_bound(ranges.begin(), ranges.end(), c,
                         [](char32_t value, const Range& range) { return value < range.low; });
    return next != ranges.begin() && c <= std::prev(next)->high;
}

bool fits(const Item& item, char32_t c) {
    switch (item.kind) {
        case Item::In:
            return in(item.set, c);
        case Item::NotIn:
            return !in(item.set, c);
        case Item::Space:
            return isSpace(c);
        case Item::Word:
            return isWord(c);
        case Item::Start:
            break;
    }
    return false;
}

bool matches(const std::vector<Item>& rule, size_t item, std::u32string_view text, size_t at) {
    if (item == rule.size()) return true;
    if (rule[item].kind == Item::Start) return at == 0 && matches(rule, item + 1, text, at);
    if (at < text.size() && fits(rule[item], text[at]) && matches(rule, item + 1, text, at + 1))
        return true;
    return rule[item].optional && matches(rule, item + 1, text, at);
}

bool looksBroken(std::u32string_view text) {
    for (size_t at = 0; at < text.size(); ++at)
        for (const auto& rule : kBadness)
            if (matches(rule, 0, text, at)) return true;
    return false;
}

/// The bytes that `text` was in a single-byte encoding; nothing where it cannot have been.
std::optional<std::string> bytesIn(const Charmap& map, std::u32string_view text) {
    std::string out;
    for (const char32_t c : text) {
        if (c < 128 && (c != 0x1a || !map.sloppy)) {
            out.push_back(static_cast<char>(c));
        } else if (map.sloppy && c == U'\ufffd') {
            out.push_back('\x1a');
        } else {
            const auto* found = std::find(std::begin(map.high), std::end(map.high), c);
            if (found == std::end(map.high)) return std::nullopt;
            out.push_back(static_cast<char>(128 + (found - std::begin(map.high))));
        }
    }
    return out;
}

using Byte = unsigned char;
bool between(Byte byte, int low, int high) {
    return byte >= low && byte <= high;
}

/// Length of a sequence at `at` that were UTF-8 with 0xA0 in place of its space (ALTERED_UTF8_RE),
/// or 0.
size_t alteredAt(const std::string& bytes, size_t at) {
    const auto byte = [&](size_t offset) -> Byte {
        return at + offset < bytes.size() ? static_cast<Byte>(bytes[at + offset]) : 0;
    };
    const Byte lead = byte(0);
    // 0x85 and 0xA0 themselves are left out: they were whitespace already.
    const auto inner = [](Byte value) {
        return between(value, 0x80, 0x84) || between(value, 0x86, 0x9f) ||
               between(value, 0xa1, 0xbf);
    };
    const auto any = [](Byte value) { return between(value, 0x80, 0xbf); };
    if (std::string_view("\xc2\xc3\xc5\xce\xd0\xd9").find(static_cast<char>(lead)) !=
            std::string_view::npos &&
        byte(1) == ' ')
        return 2;
    if ((lead == 0xe2 || lead == 0xe3) && byte(1) == ' ' && inner(byte(2))) return 3;
    if (between(lead, 0xe0, 0xe3) && inner(byte(1)) && byte(2) == ' ') return 3;
    if (lead == 0xf0 && ((byte(1) == ' ' && any(byte(2)) && any(byte(3))) ||
                         (any(byte(1)) && byte(2) == ' ' && any(byte(3))) ||
                         (any(byte(1)) && any(byte(2)) && byte(3) == ' ')))
        return 4;
    return 0;
}

/// Spaces that were the byte 0xA0 of a UTF-8 sequence become it again.
std::string restoreByteA0(const std::string& bytes) {
    bool any = false;
    for (size_t at = 0; at < bytes.size() && !any; ++at) any = alteredAt(bytes, at) > 0;
    if (!any) return bytes;
    // A lone "Ã " is the word "à", but for the Portuguese contractions that begin with it.
    std::string words;
    for (size_t at = 0; at < bytes.size(); ++at) {
        words.push_back(bytes[at]);
        if (bytes[at] != '\xc3' || at + 1 >= bytes.size() || bytes[at + 1] != ' ') continue;
        const std::string_view rest = std::string_view(bytes).substr(at + 2);
        bool contraction = false;
        for (const char* word : {" ", "quele", "quela", "quilo", "s "})
            contraction |= rest.starts_with(word);
        if (!contraction) {
            words += "\xa0 ";
            ++at;
        }
    }
    for (size_t at = 0; at < words.size();) {
        const size_t length = alteredAt(words, at);
        for (size_t offset = 0; offset < length; ++offset)
            if (words[at + offset] == ' ') words[at + offset] = '\xa0';
        at += std::max<size_t>(length, 1);
    }
    return words;
}

/// Sequences of UTF-8 some of whose bytes were lost (0x1A, once '?') become U+FFFD (LOSSY_UTF8_RE).
std::string replaceLost(const std::string& bytes) {
    const auto cont = [](Byte b) { return between(b, 0x80, 0xbf); };
    const auto lost = [](Byte b) { return b == 0x1a || b == '?'; };
    const auto kept = [&](Byte b) { return b == 0x1a || cont(b); };
    std::string out;
    for (size_t at = 0; at < bytes.size();) {
        const auto byte = [&](size_t offset) -> Byte {
            return at + offset < bytes.size() ? static_cast<Byte>(bytes[at + offset]) : 0;
        };
        const Byte a = byte(0), b = byte(1), c = byte(2), d = byte(3), e = byte(4), f = byte(5);
        const bool pair =
            a == 0xed && between(b, 0xa0, 0xaf) && d == 0xed && between(e, 0xb0, 0xbf);
        size_t length = 0;
        if ((between(a, 0xc2, 0xdf) && b == 0x1a) || ((a == 0xc2 || a == 0xc3) && b == '?'))
            length = 2;
        else if (pair && ((lost(c) && (lost(f) || cont(f))) || ((lost(c) || cont(c)) && lost(f))))
            length = 6;
        else if (between(a, 0xe0, 0xef) && ((lost(b) && kept(c)) || (kept(b) && lost(c))))
            length = 3;
        else if (between(a, 0xf0, 0xf4) &&
                 ((lost(b) && kept(c) && kept(d)) || (kept(b) && lost(c) && kept(d)) ||
                  (kept(b) && kept(c) && lost(d))))
            length = 4;
        else if (a == 0x1a)
            length = 1;
        if (length > 0) {
            out += "\xef\xbf\xbd";
            at += length;
        } else {
            out.push_back(bytes[at++]);
        }
    }
    return out;
}

/// UTF-8 in which surrogate pairs may stand as two sequences of three bytes (CESU-8), and the null
/// as C0 80 (Java). Nothing where it is not that.
std::optional<std::u32string> decodeVariants(std::string_view bytes) {
    std::u32string out;
    std::string plain;
    const auto flush = [&] {
        bool valid = true;
        out += decodeUtf8(plain, &valid);
        plain.clear();
        return valid;
    };
    const auto byte = [&](size_t at) {
        return at < bytes.size() ? static_cast<Byte>(bytes[at]) : Byte{0};
    };
    for (size_t at = 0; at < bytes.size();) {
        if (byte(at) == 0xc0 && byte(at + 1) == 0x80) {
            if (!flush()) return std::nullopt;
            out.push_back(0);
            at += 2;
        } else if (byte(at) == 0xed && between(byte(at + 1), 0xa0, 0xaf) &&
                   between(byte(at + 2), 0x80, 0xbf) && byte(at + 3) == 0xed &&
                   between(byte(at + 4), 0xb0, 0xbf) && between(byte(at + 5), 0x80, 0xbf)) {
            if (!flush()) return std::nullopt;
            out.push_back(0x10000u + ((byte(at + 1) & 0x0Fu) << 16) +
                          ((byte(at + 2) & 0x3Fu) << 10) + ((byte(at + 4) & 0x0Fu) << 6) +
                          (byte(at + 5) & 0x3Fu));
            at += 6;
        } else {
            plain.push_back(bytes[at++]);
        }
    }
    if (!flush()) return std::nullopt;
    return out;
}

std::optional<std::u32string> asUtf8(const Charmap& map, std::string bytes) {
    if (!map.macRoman) bytes = restoreByteA0(bytes);
    if (map.sloppy) bytes = replaceLost(bytes);
    if (bytes.find_first_of("\xed\xc0") != std::string::npos) return decodeVariants(bytes);
    bool valid = true;
    std::u32string text = decodeUtf8(bytes, &valid);
    if (!valid) return std::nullopt;
    return text;
}

/// End of a run of what looks like UTF-8 sequences read as something else (UTF8_DETECTOR_RE), or
/// `at`.
size_t detectedRun(std::u32string_view text, size_t at) {
    if (at > 0 && in(kContinuationStrict, text[at - 1])) return at;
    for (size_t end = at;;) {
        const auto continued = [&](size_t count) {
            if (end + count >= text.size()) return false;
            for (size_t offset = 1; offset <= count; ++offset)
                if (!in(kContinuation, text[end + offset])) return false;
            return true;
        };
        if (end >= text.size()) return end;
        if (in(kFirstOf2, text[end]) && continued(1))
            end += 2;
        else if (in(kFirstOf3, text[end]) && continued(2))
            end += 3;
        else if (in(kFirstOf4, text[end]) && continued(3))
            end += 4;
        else
            return end;
    }
}

/// Repairs pieces that are broken by themselves in a text that is not broken as a whole.
std::u32string fixPieces(std::u32string_view text) {
    std::u32string out;
    for (size_t at = 0; at < text.size();) {
        const size_t end = detectedRun(text, at);
        if (end == at) {
            out.push_back(text[at++]);
            continue;
        }
        const std::u32string_view piece = text.substr(at, end - at);
        if (piece.size() < text.size() && looksBroken(piece))
            out += fixEncoding(piece);
        else
            out += piece;
        at = end;
    }
    return out;
}

/// Latin-1 that was meant as Windows-1252, all of it or nothing.
std::optional<std::u32string> latin1AsWindows1252(std::u32string_view text) {
    std::u32string out;
    for (const char32_t c : text) {
        if (std::find(std::begin(kUnassigned1252), std::end(kUnassigned1252), c) !=
            std::end(kUnassigned1252))
            return std::nullopt;
        out.push_back(c < 128 ? c : kCharmaps[1].high[c - 128]);
    }
    return out;
}

std::u32string fixEncodingOnce(const std::u32string& text) {
    if (!looksBroken(text)) return text;
    bool latin1 = false;
    for (const Charmap& map : kCharmaps) {
        const auto bytes = bytesIn(map, text);
        if (!bytes) continue;
        latin1 |= &map == &kCharmaps[0];
        if (const auto fixed = asUtf8(map, *bytes)) return *fixed;
    }
    if (std::u32string fixed = fixPieces(text); fixed != text) return fixed;
    if (latin1)
        if (const auto fixed = latin1AsWindows1252(text); fixed && *fixed != text) return *fixed;
    return fixC1Controls(text);
}

template <size_t N>
std::map<char32_t, std::u32string> mapOf(const Entity (&table)[N]) {
    std::map<char32_t, std::u32string> map;
    for (const Entity& entity : table) map[decodeUtf8(entity.from)[0]] = decodeUtf8(entity.to);
    return map;
}

std::u32string translated(std::u32string_view text, const std::map<char32_t, std::u32string>& map) {
    std::u32string out;
    for (const char32_t c : text) {
        const auto found = map.find(c);
        if (found == map.end())
            out.push_back(c);
        else
            out += found->second;
    }
    return out;
}

}  // namespace

std::u32string fixEncoding(std::u32string_view text) {
    std::u32string present(text);
    for (;;) {
        std::u32string next = fixEncodingOnce(present);
        if (next == present) return present;
        present = std::move(next);
    }
}

std::u32string fixC1Controls(std::u32string_view text) {
    std::u32string out(text);
    for (char32_t& c : out)
        if (c >= 0x80 && c <= 0x9f) c = kCharmaps[1].high[c - 128];
    return out;
}

std::u32string fixLigaturesAndWidths(std::u32string_view text) {
    static const auto ligatures = mapOf(kLigatures), widths = mapOf(kWidths);
    return translated(translated(text, ligatures), widths);
}

}  // namespace derrumbe::text
