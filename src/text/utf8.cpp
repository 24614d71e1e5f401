#include "text/utf8.h"

#include <utf8proc.h>

#include <cstdlib>

namespace derrumbe::text {

std::u32string decodeUtf8(std::string_view bytes, bool* valid) {
    std::u32string out;
    out.reserve(bytes.size());
    if (valid) *valid = true;
    const auto* data = reinterpret_cast<const utf8proc_uint8_t*>(bytes.data());
    for (size_t at = 0; at < bytes.size();) {
        utf8proc_int32_t code = -1;
        const auto used =
            utf8proc_iterate(data + at, static_cast<utf8proc_ssize_t>(bytes.size() - at), &code);
        if (used <= 0 || code < 0) {
            out.push_back(U'\ufffd');
            if (valid) *valid = false;
            ++at;
            continue;
        }
        out.push_back(static_cast<char32_t>(code));
        at += static_cast<size_t>(used);
    }
    return out;
}

std::string encodeUtf8(std::u32string_view text) {
    std::string out;
    out.reserve(text.size());
    for (char32_t character : text) {
        if (character > 0x10FFFF || (character >= 0xD800 && character <= 0xDFFF))
            character = U'\ufffd';
        utf8proc_uint8_t bytes[4];
        const auto count = utf8proc_encode_char(static_cast<utf8proc_int32_t>(character), bytes);
        out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(count));
    }
    return out;
}

bool isSpace(char32_t c) {
    return (c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

bool isWord(char32_t c) {
    if (c == U'_') return true;
    switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
        case UTF8PROC_CATEGORY_LU:
        case UTF8PROC_CATEGORY_LL:
        case UTF8PROC_CATEGORY_LT:
        case UTF8PROC_CATEGORY_LM:
        case UTF8PROC_CATEGORY_LO:
        case UTF8PROC_CATEGORY_ND:
        case UTF8PROC_CATEGORY_NL:
        case UTF8PROC_CATEGORY_NO:
            return true;
        default:
            return false;
    }
}

bool isDigit(char32_t c) {
    return utf8proc_category(static_cast<utf8proc_int32_t>(c)) == UTF8PROC_CATEGORY_ND;
}

std::u32string composed(std::u32string_view text) {
    const std::string bytes = encodeUtf8(text);
    utf8proc_uint8_t* result = nullptr;
    const auto length =
        utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(bytes.data()),
                     static_cast<utf8proc_ssize_t>(bytes.size()), &result,
                     static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    if (length < 0) return std::u32string(text);
    std::u32string out =
        decodeUtf8({reinterpret_cast<const char*>(result), static_cast<size_t>(length)});
    std::free(result);
    return out;
}

}  // namespace derrumbe::text
