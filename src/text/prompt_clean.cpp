#include "text/prompt_clean.h"

#include "text/html_entities.h"
#include "text/mojibake.h"
#include "text/utf8.h"

namespace derrumbe::text {
namespace {

std::u32string uncurlQuotes(std::u32string text) {
    for (char32_t& c : text) {
        if (c == 0x2bc || (c >= 0x2018 && c <= 0x201b)) c = U'\'';
        if (c >= 0x201c && c <= 0x201f) c = U'"';
    }
    return text;
}

std::u32string fixLineBreaks(const std::u32string& text) {
    std::u32string out;
    for (size_t at = 0; at < text.size(); ++at) {
        const char32_t c = text[at];
        if (c == U'\r' && at + 1 < text.size() && text[at + 1] == U'\n') continue;
        const bool breaks = c == U'\r' || c == 0x2028 || c == 0x2029 || c == 0x85;
        out.push_back(breaks ? U'\n' : c);
    }
    return out;
}

/// ESC [ parameters letter.
std::u32string removeTerminalEscapes(const std::u32string& text) {
    std::u32string out;
    for (size_t at = 0; at < text.size();) {
        if (text[at] == 0x1b && at + 1 < text.size() && text[at + 1] == U'[') {
            size_t end = at + 2;
            while (end < text.size() && (text[end] == U';' || isDigit(text[end]))) ++end;
            const char32_t last = end < text.size() ? text[end] | 32 : 0;
            if (last >= U'a' && last <= U'z' && text[end] < 128) {
                at = end + 1;
                continue;
            }
        }
        out.push_back(text[at++]);
    }
    return out;
}

bool isUnwanted(char32_t c) {
    return c <= 8 || c == 0xb || (c >= 0xe && c < 0x20) || c == 0x7f ||
           (c >= 0x206a && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffc);
}

std::u32string fixLine(std::u32string text, bool unescape) {
    for (;;) {
        const std::u32string before = text;
        if (unescape) text = unescapeStrictly(text);
        text = fixC1Controls(fixEncoding(text));
        text = fixLigaturesAndWidths(text);
        text = removeTerminalEscapes(fixLineBreaks(uncurlQuotes(text)));
        std::erase_if(text, isUnwanted);
        text = composed(text);
        if (text == before) return text;
    }
}

}  // namespace

std::u32string fixText(const std::u32string& text) {
    std::u32string out;
    bool unescape = true;
    for (size_t at = 0; at < text.size();) {
        const size_t line = text.find(U'\n', at);
        const size_t end = line == std::u32string::npos ? text.size() : line + 1;
        const std::u32string segment = text.substr(at, end - at);
        // Markup means that the references are meant as such, here and on all further lines.
        if (segment.find(U'<') != std::u32string::npos) unescape = false;
        out += fixLine(segment, unescape);
        at = end;
    }
    return out;
}

std::string cleanPrompt(const std::string& prompt) {
    const std::u32string text = htmlUnescape(htmlUnescape(fixText(decodeUtf8(prompt))));
    std::u32string out;
    for (const char32_t c : text) {
        if (!isSpace(c))
            out.push_back(c);
        else if (!out.empty() && out.back() != U' ')
            out.push_back(U' ');
    }
    if (!out.empty() && out.back() == U' ') out.pop_back();
    return encodeUtf8(out);
}

}  // namespace derrumbe::text
