#include "support/log.h"

#include <unistd.h>

#include <cstdio>
#include <ctime>

namespace derrumbe {

namespace {

/// Length of the valid UTF-8 sequence at `at`, 0 where it is not valid.
size_t utf8Length(const std::string& text, size_t at) {
    const auto byte = [&](size_t i) {
        return static_cast<unsigned char>(i < text.size() ? text[i] : 0);
    };
    const unsigned char lead = byte(at);
    const size_t length = lead < 0x80                   ? 1
                          : lead >= 0xC2 && lead < 0xE0 ? 2
                          : lead >= 0xE0 && lead < 0xF0 ? 3
                          : lead >= 0xF0 && lead < 0xF5 ? 4
                                                        : 0;
    for (size_t i = 1; i < length; ++i)
        if ((byte(at + i) & 0xC0) != 0x80) return 0;
    if (lead == 0xE0 && byte(at + 1) < 0xA0) return 0;
    if (lead == 0xED && byte(at + 1) >= 0xA0) return 0;
    if (lead == 0xF0 && byte(at + 1) < 0x90) return 0;
    if (lead == 0xF4 && byte(at + 1) >= 0x90) return 0;
    return length;
}

/// Control characters would let a prompt or a file name rewrite a terminal or a farm's log line.
std::string printable(const std::string& text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        const auto byte = [&](size_t at) {
            return static_cast<unsigned char>(at < text.size() ? text[at] : 0);
        };
        const unsigned char c = byte(i);
        // U+0080 to U+009F in UTF-8: a terminal may take U+009B for ESC [.
        const bool wide = c == 0xC2 && byte(i + 1) >= 0x80 && byte(i + 1) < 0xA0;
        if (wide) ++i;
        out += wide || c == 0x7f || (c < 0x20 && c != '\n') ? '?' : static_cast<char>(c);
    }
    return out;
}

/// One write a line, so that lines of several processes in one farm log do not mix.
void emit(const std::string& text) {
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
}

const char* name(LogLevel level) {
    return level == LogLevel::Info ? "info" : level == LogLevel::Warning ? "warning" : "error";
}

}  // namespace

std::string utcNow() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    gmtime_r(&now, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text;
}

std::string jsonQuote(const std::string& text) {
    std::string out = "\"";
    char escape[8];
    for (size_t i = 0; i < text.size();) {
        const unsigned char c = static_cast<unsigned char>(text[i]);
        const size_t length = utf8Length(text, i);
        if (length == 0) {
            out += "\\ufffd";
            ++i;
            continue;
        }
        if (c == '"' || c == '\\') {
            out += '\\';
            out += static_cast<char>(c);
        } else if (c < 0x20 || c == 0x7f) {
            std::snprintf(escape, sizeof escape, "\\u%04x", c);
            out += escape;
        } else {
            out.append(text, i, length);
        }
        i += length;
    }
    return out + "\"";
}

void Log::line(LogLevel level, const std::string& message, const LogFields& fields) {
    std::string text;
    if (format_ == LogFormat::Json) {
        text = "{\"time\":" + jsonQuote(utcNow()) + ",\"level\":" + jsonQuote(name(level)) +
               ",\"message\":" + jsonQuote(message);
        for (const auto& [key, value] : fields)
            text += "," + jsonQuote(key) + ":" + jsonQuote(value);
        text += "}\n";
    } else {
        text = "derrumbe: ";
        if (level != LogLevel::Info) text += std::string(name(level)) + ": ";
        text += printable(message);
        for (const auto& [key, value] : fields) text += " " + key + "=" + printable(value);
        text += "\n";
    }
    emit(text);
}

void Log::info(const std::string& message, const LogFields& fields) {
    line(LogLevel::Info, message, fields);
}

void Log::warning(const std::string& message, const LogFields& fields) {
    warnings_.push_back(message);
    line(LogLevel::Warning, message, fields);
}

void Log::problem(const Problem& problem) {
    if (problem.warning) warnings_.push_back(problem.text());
    if (format_ == LogFormat::Text) return emit(printable(problem.text()) + "\n");
    const Place& place = problem.place;
    LogFields fields;
    if (!problem.warning)
        fields.emplace_back("code", std::to_string(static_cast<int>(problem.code)));
    if (!place.file.empty()) fields.emplace_back("file", place.file);
    if (place.line > 0) fields.emplace_back("line", std::to_string(place.line));
    if (place.line > 0 && place.column > 0)
        fields.emplace_back("column", std::to_string(place.column));
    line(problem.warning ? LogLevel::Warning : LogLevel::Error, problem.message, fields);
}

}  // namespace derrumbe
