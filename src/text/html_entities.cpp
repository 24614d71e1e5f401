#include "text/html_entities.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>

#include "text/utf8.h"

namespace derrumbe::text {
namespace {

struct Entity {
    const char* name;  ///< without the ampersand, with the semicolon where it must be there
    const char* text;  ///< UTF-8
};

#include "text/html_entities.inc"

template <size_t N>
std::optional<std::u32string> lookUp(const Entity (&table)[N], std::string_view name) {
    const auto found = std::lower_bound(std::begin(table), std::end(table), name,
                                        [](const Entity& entity, std::string_view wanted) {
                                            return wanted.compare(entity.name) > 0;
                                        });
    if (found == std::end(table) || name != found->name) return std::nullopt;
    return decodeUtf8(found->text);
}

bool isNumber(char32_t c, bool hexadecimal) {
    return (c >= U'0' && c <= U'9') ||
           (hexadecimal && ((c >= U'a' && c <= U'f') || (c >= U'A' && c <= U'F')));
}

/// What a numeric reference stands for (HTML5, "numeric character reference end state").
std::u32string numbered(std::uint64_t number) {
    for (const auto& pair : kReplaced)
        if (pair[0] == number) return {pair[1]};
    if (number > 0x10FFFF || (number >= 0xD800 && number <= 0xDFFF)) return U"\ufffd";
    const bool noCharacter = (number >= 1 && number <= 8) || number == 0xb ||
                             (number >= 0xe && number <= 0x1f) ||
                             (number >= 0x7f && number <= 0x9f) ||
                             (number >= 0xfdd0 && number <= 0xfdef) || (number & 0xfffe) == 0xfffe;
    if (noCharacter) return {};
    return {static_cast<char32_t>(number)};
}

/// A numeric reference that begins at `at` (the '#'): its text and where it ends, semicolon
/// included.
std::optional<std::pair<std::u32string, size_t>> numericAt(std::u32string_view text, size_t at) {
    size_t end = at + 1;
    const bool hexadecimal = end < text.size() && (text[end] == U'x' || text[end] == U'X');
    if (hexadecimal) ++end;
    const size_t digits = end;
    std::uint64_t number = 0;
    for (; end < text.size() && isNumber(text[end], hexadecimal); ++end) {
        const char32_t c = text[end];
        const unsigned digit = c <= U'9' ? c - U'0' : (c | 32) - U'a' + 10;
        number = std::min<std::uint64_t>(number * (hexadecimal ? 16 : 10) + digit, 0x110000);
    }
    if (end == digits) return std::nullopt;
    if (end < text.size() && text[end] == U';') ++end;
    return std::pair{numbered(number), end};
}

/// Non-ASCII characters stand for themselves in no entity's name.
std::string asciiOrEmpty(std::u32string_view text) {
    std::string out;
    for (char32_t c : text) {
        if (c > 127) return {};
        out.push_back(static_cast<char>(c));
    }
    return out;
}

std::u32string namedReference(std::u32string_view reference) {
    for (size_t length = reference.size(); length > 1; --length) {
        const auto name = asciiOrEmpty(reference.substr(0, length));
        if (name.empty()) continue;
        if (auto found = lookUp(kHtml5, name))
            return *found + std::u32string(reference.substr(length));
    }
    return U"&" + std::u32string(reference);
}

}  // namespace

std::u32string htmlUnescape(std::u32string_view text) {
    std::u32string out;
    for (size_t at = 0; at < text.size();) {
        if (text[at] != U'&') {
            out.push_back(text[at++]);
            continue;
        }
        if (at + 1 < text.size() && text[at + 1] == U'#') {
            if (const auto number = numericAt(text, at + 1)) {
                out += number->first;
                at = number->second;
            } else {
                out.push_back(text[at++]);
            }
            continue;
        }
        size_t end = at + 1;
        while (end < text.size() && end - at <= 32 &&
               std::u32string_view(U"\t\n\f <&#;").find(text[end]) == std::u32string_view::npos)
            ++end;
        if (end == at + 1) {
            out.push_back(text[at++]);
            continue;
        }
        if (end < text.size() && text[end] == U';') ++end;
        out += namedReference(text.substr(at + 1, end - at - 1));
        at = end;
    }
    return out;
}

std::u32string unescapeStrictly(std::u32string_view text) {
    std::u32string out;
    for (size_t at = 0; at < text.size();) {
        if (text[at] != U'&') {
            out.push_back(text[at++]);
            continue;
        }
        const size_t name = at + 1 + (at + 1 < text.size() && text[at + 1] == U'#');
        size_t end = name;
        const auto alphanumeric = [](char32_t c) {
            return isNumber(c, false) || (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z');
        };
        while (end < text.size() && end - name < 24 && alphanumeric(text[end])) ++end;
        if (end == name || end >= text.size() || text[end] != U';') {
            out.push_back(text[at++]);
            continue;
        }
        ++end;
        const std::u32string_view whole = text.substr(at, end - at);
        std::u32string replaced(whole);
        if (name == at + 2) {
            const std::u32string read = htmlUnescape(whole);
            // A semicolon that is left means that only part of it was a reference.
            if (read.find(U';') == std::u32string::npos) replaced = read;
        } else {
            const std::string key = asciiOrEmpty(whole.substr(1));
            if (auto found = lookUp(kHtml5, key))
                replaced = *found;
            else if (auto shouted = lookUp(kShouted, key))
                replaced = *shouted;
        }
        out += replaced;
        at = end;
    }
    return out;
}

}  // namespace derrumbe::text
