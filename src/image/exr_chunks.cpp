#include "image/exr_chunks.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <vector>

#include "image/header.h"
#include "support/error.h"
#include "support/strings.h"

namespace derrumbe::image {

namespace {

constexpr std::uint32_t multiPartFlag = 0x1000;

[[noreturn]] void fail(const std::string& file, const std::string& why) {
    throw Error(ExitCode::Input, cat("cannot read ", file, ": ", why, "; write it again"));
}

std::uint64_t divideUp(std::uint64_t value, std::uint64_t by) {
    return by == 0 ? 0 : (value + by - 1) / by;
}

template <class Number>
Number numberAt(const std::string& bytes, size_t at) {
    Number value{};
    if (at + sizeof value <= bytes.size()) std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
}

/// Lines that a compression packs together.
std::uint64_t linesOf(const std::string& compression) {
    if (compression == "zip" || compression == "pxr24") return 16;
    if (compression == "piz" || compression == "b44" || compression == "b44a" ||
        compression == "dwaa")
        return 32;
    return compression == "dwab" ? 256 : 1;
}

/// Sizes of a side's levels: halved until 1, rounded down or up.
std::vector<std::uint64_t> levels(std::uint64_t size, std::uint64_t longest, bool up) {
    std::vector<std::uint64_t> sizes;
    for (int level = 0;; ++level) {
        const std::uint64_t step = std::uint64_t{1} << level;
        sizes.push_back(std::max<std::uint64_t>(1, up ? divideUp(size, step) : size / step));
        if ((up ? divideUp(longest, step) : longest / step) <= 1) return sizes;
    }
}

std::uint64_t tileCount(const std::string& tiles, std::uint64_t width, std::uint64_t height) {
    const std::uint64_t across = numberAt<std::uint32_t>(tiles, 0),
                        down = numberAt<std::uint32_t>(tiles, 4);
    const int mode = numberAt<std::uint8_t>(tiles, 8);
    const bool up = mode >> 4 != 0;
    if ((mode & 15) == 0) return divideUp(width, across) * divideUp(height, down);
    const bool ripmap = (mode & 15) == 2;
    const std::uint64_t longest = std::max(width, height);
    const auto columns = levels(width, ripmap ? width : longest, up),
               rows = levels(height, ripmap ? height : longest, up);
    std::uint64_t count = 0;
    for (size_t x = 0; x < columns.size(); ++x)
        for (size_t y = ripmap ? 0 : x; y < (ripmap ? rows.size() : x + 1); ++y)
            count += divideUp(columns[x], across) * divideUp(rows[y], down);
    return count;
}

struct Layout {
    std::uint64_t chunks = 0;
    bool tiled = false, deep = false;
};

Layout layoutOf(const ImageHeader& header) {
    const std::string type = header.text("type").value_or("");
    const ExrAttribute *window = header.find("dataWindow"), *tiles = header.find("tiles");
    Layout layout;
    layout.deep = type.rfind("deep", 0) == 0;
    layout.tiled = tiles != nullptr && type != "scanlineimage";
    if (const auto stated = header.integer("chunkCount"); stated && *stated > 0) {
        layout.chunks = static_cast<std::uint64_t>(*stated);
    } else if (window) {
        const auto side = [&](int axis) {
            const std::int64_t low = numberAt<std::int32_t>(window->value, size_t{4} * axis),
                               high = numberAt<std::int32_t>(window->value, size_t{4} * axis + 8);
            return static_cast<std::uint64_t>(std::max<std::int64_t>(0, high - low + 1));
        };
        layout.chunks = layout.tiled ? tileCount(tiles->value, side(0), side(1))
                                     : divideUp(side(1), linesOf(header.compression));
    }
    return layout;
}

}  // namespace

void checkExrChunks(const std::string& file) {
    std::uint64_t at = 0;
    const std::vector<ImageHeader> parts = readExrHeaders(file, &at);
    std::ifstream in(file, std::ios::binary | std::ios::ate);
    const auto size = static_cast<std::uint64_t>(std::max<std::streamoff>(0, in.tellg()));
    std::uint32_t flags = 0;
    in.seekg(4);
    in.read(reinterpret_cast<char*>(&flags), sizeof flags);
    const std::uint64_t partNumber = (flags & multiPartFlag) != 0 ? 4 : 0;
    for (const ImageHeader& part : parts) {
        const Layout layout = layoutOf(part);
        if (at > size || layout.chunks > (size - at) / 8) fail(file, "it is cut off");
        std::vector<std::uint64_t> places(layout.chunks);
        in.seekg(static_cast<std::streamoff>(at));
        in.read(reinterpret_cast<char*>(places.data()),
                static_cast<std::streamsize>(places.size() * 8));
        if (!in) fail(file, "it is cut off");
        at += layout.chunks * 8;
        const auto absent = std::count_if(places.begin(), places.end(), [&](std::uint64_t place) {
            return place == 0 || place >= size;
        });
        if (absent > 0)
            fail(file, cat("it is cut off or was never finished: ", absent, " of ", layout.chunks,
                           " blocks of lines or tiles are missing"));
        if (layout.deep || places.empty()) continue;
        // A chunk: in a multi-part file its part's number, then its own place, its length, its
        // data.
        const std::uint64_t last = *std::max_element(places.begin(), places.end());
        const std::uint64_t lengthAt = last + partNumber + (layout.tiled ? 16 : 4);
        std::uint32_t length = 0;
        in.seekg(static_cast<std::streamoff>(lengthAt));
        in.read(reinterpret_cast<char*>(&length), sizeof length);
        if (!in || lengthAt + 4 + length > size) fail(file, "it is cut off before its end");
    }
}

}  // namespace derrumbe::image
