#include "support/frame_token.h"

#include <charconv>

namespace derrumbe {

namespace {

constexpr int widest = 32;  // more digits than any frame number has, few enough for any file name

bool isDigit(char c) {
    return c >= '0' && c <= '9';
}

/// Digits at `at` as a width; moves past them. More than two digits are no width.
bool readWidth(const std::string& text, size_t& at, int& width) {
    size_t end = at;
    while (end < text.size() && isDigit(text[end])) ++end;
    if (end == at || end - at > 2) return false;
    std::from_chars(text.data() + at, text.data() + end, width);
    at = end;
    return width >= 1 && width <= widest;
}

size_t runLength(const std::string& text, size_t at) {
    const size_t end = text.find_first_not_of(text[at], at);
    return (end == std::string::npos ? text.size() : end) - at;
}

/// The token that begins at `at`; its `begin` is npos where there is none.
FrameToken tokenAt(const std::string& text, size_t at) {
    FrameToken token;
    const char c = text[at];
    if (c == '#' || c == '@') {
        const size_t length = runLength(text, at);
        if (length > widest) return token;
        const bool lone = c == '#' && length == 1;
        return {at, at + length, lone ? 4 : static_cast<int>(length)};
    }
    size_t end = at + 1;
    int width = 1;
    if (c == '%') {
        if (end < text.size() && text[end] == '0' && !readWidth(text, end, width)) return token;
        if (end >= text.size() || text[end] != 'd') return token;
        return {at, end + 1, width};
    }
    if (c == '$' && end < text.size() && text[end] == 'F') {
        ++end;
        if (end < text.size() && isDigit(text[end]) && !readWidth(text, end, width)) return token;
        // `$FF` is Houdini's fractional frame, which has no file.
        if (end < text.size() && text[end] == 'F') return token;
        return {at, end, width};
    }
    return token;
}

}  // namespace

FrameToken findFrameToken(const std::string& path) {
    const size_t slash = path.rfind('/');
    FrameToken last;
    for (size_t at = slash == std::string::npos ? 0 : slash + 1; at < path.size();) {
        const FrameToken token = tokenAt(path, at);
        if (token.there()) {
            last = token;
            at = token.end;
        } else {
            // An over-long run is text as a whole, its tail is no shorter token.
            at += path[at] == '#' || path[at] == '@' ? runLength(path, at) : 1;
        }
    }
    return last;
}

}  // namespace derrumbe
