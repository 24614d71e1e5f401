#include "support/frame_range.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <unordered_set>

#include "support/error.h"
#include "support/strings.h"

namespace derrumbe {

namespace {

constexpr int64_t maxFrames = 1'000'000;  // eleven hours at 24 a second

[[noreturn]] void fail(const std::string& text, const std::string& part, const std::string& why) {
    throw Error(ExitCode::Usage,
                cat("frame range '", text.substr(0, 80), "': '", part.substr(0, 40), "' ", why,
                    "; write for example 1001-1049, 1001-1049x2 or 1001,1005,1010-1020"));
}

std::string trimmed(const std::string& text) {
    const size_t first = text.find_first_not_of(" \t");
    if (first == std::string::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Reads a whole number at `at` and moves past it; false where there is none or it does not fit.
bool number(const std::string& part, size_t& at, int& value) {
    const char* begin = part.data() + at;
    const char* end = part.data() + part.size();
    const auto [stop, error] = std::from_chars(begin, end, value);
    if (error != std::errc() || stop == begin) return false;
    at = static_cast<size_t>(stop - part.data());
    return value >= -99'999'999 && value <= 99'999'999;
}

struct Part {
    int first = 0, last = 0, step = 1;
    char mark = 'x';
};

Part parsePart(const std::string& text, const std::string& part) {
    Part result;
    size_t at = 0;
    if (!number(part, at, result.first)) fail(text, part, "is not a frame number");
    result.last = result.first;
    if (at == part.size()) return result;
    if (part[at] != '-') fail(text, part, "has something after the frame number");
    if (!number(part, ++at, result.last)) fail(text, part, "has no last frame");
    if (at == part.size()) return result;
    result.mark = part[at];
    if (result.mark == ':') result.mark = 'x';
    if (result.mark != 'x' && result.mark != 'y') fail(text, part, "has an unknown step mark");
    if (!number(part, ++at, result.step)) fail(text, part, "has no step");
    if (at < part.size() && part[at] == '.')
        fail(text, part, "asks for sub-frames, which cannot be rendered");
    if (at != part.size()) fail(text, part, "has something after the step");
    if (result.step < 1) fail(text, part, "has a step below 1");
    return result;
}

/// Steps from the first frame of a part to its last.
int64_t span(const Part& part) {
    return std::abs(int64_t{part.last} - part.first);
}

/// Frames that a part names.
int64_t count(const Part& part) {
    const int64_t onStep = span(part) / part.step + 1;
    return part.mark == 'x' ? onStep : span(part) + 1 - onStep;
}

std::vector<Part> parseParts(const std::string& text) {
    std::vector<Part> parts;
    int64_t all = 0;
    for (size_t begin = 0; begin <= text.size();) {
        const size_t comma = std::min(text.find(',', begin), text.size());
        const std::string written = trimmed(text.substr(begin, comma - begin));
        if (written.empty()) fail(text, written, "is empty");
        parts.push_back(parsePart(text, written));
        // Frames that are named again count too: a short text must not ask for long work.
        all += count(parts.back());
        if (all > maxFrames) fail(text, written, "names more than 1,000,000 frames");
        begin = comma + 1;
    }
    return parts;
}

/// Numbers that were named already: a table where they lie close together, else a set.
class Named {
  public:
    Named(int lowest, int highest, int64_t most) : lowest_(lowest) {
        const int64_t width = int64_t{highest} - lowest + 1;
        if (width <= 512 * most) table_.resize(static_cast<size_t>(width));
    }

    /// False where it was there.
    bool insert(int frame) {
        if (table_.empty()) return set_.insert(frame).second;
        auto known = table_[static_cast<size_t>(int64_t{frame} - lowest_)];
        const bool first = !known;
        known = true;
        return first;
    }

  private:
    int lowest_;
    std::vector<bool> table_;
    std::unordered_set<int> set_;
};

}  // namespace

FrameList parseFrameRange(const std::string& text) {
    if (text.size() > 100'000) fail(text, text, "is too long");
    const std::vector<Part> parts = parseParts(text);
    int lowest = parts.front().first, highest = lowest;
    int64_t most = 0;
    for (const Part& part : parts) {
        lowest = std::min({lowest, part.first, part.last});
        highest = std::max({highest, part.first, part.last});
        most += count(part);
    }
    FrameList frames;
    Named named(lowest, highest, parts.size() == 1 ? 0 : most);  // one part names none twice
    for (const Part& part : parts) {
        if (count(part) == 0) continue;
        const int direction = part.last >= part.first ? 1 : -1;
        const int64_t stride = part.mark == 'x' ? part.step : 1;
        for (int64_t i = 0; i <= span(part); i += stride) {
            if (part.mark == 'y' && i % part.step == 0) continue;
            const int frame = part.first + direction * static_cast<int>(i);
            if (parts.size() == 1 || named.insert(frame)) frames.push_back(frame);
        }
    }
    if (frames.empty()) fail(text, text, "names no frame");
    return frames;
}

std::string formatFrameRange(const FrameList& frames) {
    std::string text;
    for (size_t i = 0; i < frames.size();) {
        size_t end = i + 1;
        // Numbers of files may be any: their difference need not fit into an int.
        const auto after = [&](size_t at) { return int64_t{frames[at]} - frames[at - 1]; };
        const int64_t step = end < frames.size() ? after(end) : 1;
        while (step > 0 && end < frames.size() && after(end) == step) ++end;
        // A stepped pair reads better as two numbers.
        if (step > 1 && end - i < 3) end = i + 1;
        if (!text.empty()) text += ",";
        text += std::to_string(frames[i]);
        if (end - i > 1) text += "-" + std::to_string(frames[end - 1]);
        if (end - i > 1 && step > 1) text += "x" + std::to_string(step);
        i = end;
    }
    return text;
}

}  // namespace derrumbe
