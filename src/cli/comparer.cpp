#include "cli/comparer.h"

#include <fmt/format.h>

#include <numeric>
#include <system_error>

#include "image/heatmap.h"
#include "image/preview.h"

namespace derrumbe::cli {

namespace fs = std::filesystem;

bool Tolerance::holds(const FrameResult& result) const {
    const image::Comparison& c = result.comparison;
    return c.mismatch.empty() && c.notFinite == 0 && (!maxError || c.maxError <= *maxError) &&
           (!psnr || c.psnr >= *psnr) && (!flip || (result.flip && *result.flip <= *flip));
}

FrameResult Comparer::compare(const std::string& name, const std::string& a,
                              const std::string& b) const {
    FrameResult result;
    result.name = name;
    try {
        measure(result, a, b);
    } catch (const Error& error) {
        if (error.code() != ExitCode::Input) throw;
        result.error = error.problems().front().message;
    }
    return result;
}

void Comparer::measure(FrameResult& result, const std::string& a, const std::string& b) const {
    for (const std::string& file : {a, b}) {
        std::error_code error;
        const fs::file_status status = fs::status(file, error);
        if (status.type() == fs::file_type::not_found)
            result.comparison.mismatch = file + " is not there";
        else if (error)
            throw Error(ExitCode::Input, fmt::format("cannot read {}: {}", file, error.message()));
    }
    if (!result.comparison.mismatch.empty()) return;
    const image::PlateImage first = image::readPlate(a), second = image::readPlate(b);
    result.comparison = image::compareFrames(first.frame, second.frame);
    if (!result.comparison.mismatch.empty()) return;
    if (result.comparison.identical())
        result.flip = 0;
    else
        look(result, first, second);
    result.passed = tolerance.holds(result);
}

void Comparer::look(FrameResult& result, const image::PlateImage& a,
                    const image::PlateImage& b) const {
    const Frame shownA = image::seenFrame(a, colours_, colorspace),
                shownB = image::seenFrame(b, colours_, colorspace);
    const int width = shownA.data.width, height = shownA.data.height;
    const std::vector<float> map =
        image::flip(shownA.pixels, shownB.pixels, width, height, pixelsPerDegree);
    result.flip = std::accumulate(map.begin(), map.end(), 0.0) / static_cast<double>(map.size());
    if (heatmap.empty()) return;
    const std::string stem = result.name.find('/') == std::string::npos
                                 ? result.name
                                 : fs::path(result.name).filename().string();
    image::writePng(heatmap / (stem + ".png"),
                    image::heatmap(image::differenceMap(a.frame, b.frame),
                                   result.comparison.maxError, map, width, height));
}

}  // namespace derrumbe::cli
