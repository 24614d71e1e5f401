#include "image/whole_file.h"

#include <algorithm>
#include <fstream>

#include "image/exr_chunks.h"
#include "support/error.h"
#include "support/strings.h"

namespace derrumbe::image {

namespace {

[[noreturn]] void fail(const std::string& file, const std::string& why) {
    throw Error(ExitCode::Input, cat("cannot read ", file, ": ", why));
}

/// Looks for a marker in the file's last MiB: some programs append data after the picture.
void checkEnd(const std::string& file, const std::string& marker) {
    std::ifstream in(file, std::ios::binary | std::ios::ate);
    const std::streamoff size = in.tellg();
    const std::streamoff tail = std::clamp<std::streamoff>(size, 0, 1 << 20);
    std::string bytes(static_cast<size_t>(tail), '\0');
    in.seekg(size - tail);
    in.read(bytes.data(), tail);
    if (bytes.find(marker) == std::string::npos)
        fail(file, "it is cut off before its end; write it again");
}

}  // namespace

void checkWhole(const PlateProbe& picture) {
    const std::string& format = picture.header->format;
    if (format == "openexr") checkExrChunks(picture.file);
    if (format == "jpeg") checkEnd(picture.file, "\xFF\xD9");
    if (format == "png") checkEnd(picture.file, "IEND");
}

void checkColour(const PlateProbe& picture) {
    const auto index = [&](const char* name) {
        const auto& all = picture.channels;
        const auto found = std::find(all.begin(), all.end(), name);
        return found == all.end() ? -1 : static_cast<int>(found - all.begin());
    };
    std::vector<int> colours = {index("R"), index("G"), index("B")};
    if (*std::min_element(colours.begin(), colours.end()) < 0) colours = {index("Y")};
    if (colours.front() < 0) {
        std::string all;
        for (const std::string& name : picture.channels)
            if (all.size() < 300) all += (all.empty() ? "" : ", ") + name;
        fail(picture.file, cat("it has neither the channels R, G, B nor Y, but ", all,
                               "; write its colours under these names"));
    }
    for (const int colour : colours)
        if (picture.types[colour] == PixelType::UInt32)
            fail(picture.file, cat("its channel ", picture.channels[colour],
                                   " holds 32-bit integers (object ids?), which are no light; "
                                   "write half or float"));
}

}  // namespace derrumbe::image
