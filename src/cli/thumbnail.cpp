#include "cli/thumbnail.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "image/preview.h"
#include "image/probe.h"
#include "provenance/envelope.h"
#include "support/atomic_file.h"

namespace derrumbe::cli {

namespace fs = std::filesystem;

std::string pngDataUri(const std::string& file, const std::string& colorspace, int width) {
    const image::PlateProbe probe = image::probe(file);
    const image::PreviewOptions look;
    const double wide = std::max(1.0, probe.display.width * double(probe.pixelAspect));
    const image::Picture picture = image::displayPicture(
        file, image::ColorConfig::load(), colorspace, look, std::clamp(width / wide, 1e-3, 4.0));
    std::string folder = (fs::temp_directory_path() / "derrumbe_report_XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr)
        throw Error(ExitCode::Output, "no temporary folder can be made", {folder});
    const fs::path png = fs::path(folder) / "frame.png";
    std::string bytes;
    std::error_code ignored;
    try {
        image::writePng(png, picture);
        bytes = readFile(png);
    } catch (...) {
        fs::remove_all(folder, ignored);
        throw;
    }
    fs::remove_all(folder, ignored);
    return "data:image/png;base64," + provenance::encodeBase64(bytes);
}

}  // namespace derrumbe::cli
