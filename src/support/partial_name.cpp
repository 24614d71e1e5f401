#include "support/partial_name.h"

#include <unistd.h>

#include <algorithm>
#include <random>
#include <string_view>

#include "support/strings.h"

namespace derrumbe {

namespace {

// A file name has 255 bytes on the usual disks.
constexpr size_t longestStem = 120, longestHost = 40, randomDigits = 16;
constexpr std::string_view mark = ".partial";

bool isPlain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// The machine's name up to its first dot.
std::string shortHost() {
    char name[256] = {};
    if (::gethostname(name, sizeof name - 1) != 0) return "host";
    std::string host = name;
    host = host.substr(0, std::min(host.find('.'), longestHost));
    for (char& c : host)
        if (!isPlain(c)) c = '-';
    return host.empty() ? "host" : host;
}

std::string randomHex() {
    std::random_device device;
    std::string text;
    while (text.size() < randomDigits)
        for (unsigned bits = device(), i = 0; i < 8; ++i, bits >>= 4)
            text += "0123456789abcdef"[bits & 15];
    return text;
}

bool allOf(std::string_view text, std::string_view characters) {
    return !text.empty() && text.find_first_not_of(characters) == std::string_view::npos;
}

}  // namespace

std::string newPartialName(const std::filesystem::path& path) {
    return cat(".", path.stem().string().substr(0, longestStem), ".", shortHost(), "-", ::getpid(),
               "-", randomHex(), mark, path.extension().string());
}

bool isPartialName(const std::string& name) {
    const size_t end = name.rfind(mark);
    if (name.empty() || name[0] != '.' || end == std::string::npos) return false;
    const std::string_view rest = std::string_view(name).substr(end + mark.size());
    if (!rest.empty() && rest[0] != '.') return false;
    const std::string_view head = std::string_view(name).substr(0, end);
    const size_t dot = head.rfind('.');
    if (dot == 0 || dot == std::string_view::npos) return false;
    const std::string_view owner = head.substr(dot + 1);
    const size_t random = owner.rfind('-');
    if (random == std::string_view::npos || random == 0) return false;
    const size_t process = owner.rfind('-', random - 1);
    return process != std::string_view::npos && process > 0 &&
           owner.size() - random - 1 == randomDigits &&
           allOf(owner.substr(random + 1), "0123456789abcdef") &&
           allOf(owner.substr(process + 1, random - process - 1), "0123456789");
}

}  // namespace derrumbe
