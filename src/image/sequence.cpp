#include "image/sequence.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <set>

#include "support/error.h"
#include "support/frame_token.h"
#include "support/strings.h"

namespace derrumbe::image {

namespace {

bool isDigit(char c) {
    return c >= '0' && c <= '9';
}

std::string padded(int frame, int width) {
    const bool negative = frame < 0;
    std::string digits = std::to_string(frame);
    if (negative) digits.erase(0, 1);
    const int wanted = width - (negative ? 1 : 0);
    if (static_cast<int>(digits.size()) < wanted) digits.insert(0, wanted - digits.size(), '0');
    return negative ? "-" + digits : digits;
}

bool isPicture(const std::filesystem::path& file) {
    static const std::set<std::string> known = {".exr", ".dpx", ".cin", ".png",  ".tif", ".tiff",
                                                ".jpg", ".tga", ".hdr", ".jpeg", ".sgi", ".bmp"};
    std::string extension = file.extension().string();
    for (char& c : extension)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return known.count(extension) != 0 && file.filename().string().front() != '.';
}

/// The last digits of a name without its extension; where there are none, begin is npos.
FrameToken numberIn(const std::string& name) {
    const size_t stem = name.rfind('.');
    const size_t last = name.find_last_of("0123456789", stem - 1);
    if (last == std::string::npos) return {};
    size_t begin = last;
    while (begin > 0 && isDigit(name[begin - 1])) --begin;
    return {begin, last + 1, static_cast<int>(last + 1 - begin)};
}

}  // namespace

SequencePath SequencePath::inFolder(const std::string& folder) {
    namespace fs = std::filesystem;
    std::error_code error;
    std::map<std::pair<std::string, std::string>, std::set<int>> widths;  // by what is around it
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
        const std::string name = it->path().filename().string();
        if (!isPicture(it->path())) continue;
        const FrameToken token = numberIn(name);
        if (!token.there() || token.width > 9)
            widths[{name, ""}].insert(0);
        else
            widths[{name.substr(0, token.begin), name.substr(token.end)}].insert(token.width);
    }
    if (error)
        throw Error(ExitCode::Input, cat("cannot read the folder ", folder, ": ", error.message()));
    if (widths.empty())
        throw Error(ExitCode::Input, cat("the folder ", folder, " holds no pictures"));
    std::string all;
    for (const auto& [around, found] : widths)
        if (all.size() < 400)
            all += cat(all.empty() ? "" : ", ", around.first, found.count(0) ? "" : "#",
                       around.second);
    if (widths.size() > 1)
        throw Error(ExitCode::Input, cat("the folder ", folder, " holds more than one sequence (",
                                         all, "); name the one that is meant"));
    const auto& [around, found] = *widths.begin();
    SequencePath result;
    result.before_ = (fs::path(folder) / around.first).string();
    result.after_ = around.second;
    // Numbers of several widths (99, 100) are not padded.
    result.width_ = *found.begin();
    result.isSequence_ = result.width_ > 0;
    result.pattern_ = result.before_ + (result.isSequence_ ? std::string(result.width_, '@') : "") +
                      result.after_;
    return result;
}

SequencePath SequencePath::parse(const std::string& path) {
    SequencePath result;
    result.pattern_ = result.before_ = path;
    const FrameToken token = findFrameToken(path);
    if (!token.there()) return result;
    result.isSequence_ = true;
    result.before_ = path.substr(0, token.begin);
    result.after_ = path.substr(token.end);
    result.width_ = token.width;
    return result;
}

std::string SequencePath::file(int frame) const {
    return isSequence_ ? before_ + padded(frame, width_) + after_ : pattern_;
}

std::vector<int> SequencePath::existing() const {
    namespace fs = std::filesystem;
    std::vector<int> frames;
    if (!isSequence_) return frames;
    const size_t slash = before_.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : before_.substr(0, slash + 1);
    const std::string prefix = slash == std::string::npos ? before_ : before_.substr(slash + 1);
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
        const std::string name = it->path().filename().string();
        if (name.size() <= prefix.size() + after_.size()) continue;
        if (name.compare(0, prefix.size(), prefix) != 0) continue;
        if (name.compare(name.size() - after_.size(), after_.size(), after_) != 0) continue;
        const std::string number =
            name.substr(prefix.size(), name.size() - prefix.size() - after_.size());
        int frame = 0;
        const auto [stop, failed] =
            std::from_chars(number.data(), number.data() + number.size(), frame);
        if (failed != std::errc() || stop != number.data() + number.size()) continue;
        if (padded(frame, width_) == number) frames.push_back(frame);
    }
    std::sort(frames.begin(), frames.end());
    return frames;
}

}  // namespace derrumbe::image
