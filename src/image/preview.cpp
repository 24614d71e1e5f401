#include "image/preview.h"

#include <algorithm>
#include <cmath>

#include "image/colour_ids.h"
#include "image/movie.h"
#include "image/read_frame.h"
#include "image/resample.h"
#include "support/error.h"
#include "support/strings.h"

namespace derrumbe::image {

namespace {

/// The channels to show under the names R, G, B (or Y), over the display window.
Frame shownPart(const PlateImage& image, const std::string& layer) {
    const Frame& frame = image.frame;
    const std::string prefix = layer.empty() ? "" : layer + ".";
    std::vector<int> index;
    for (const char* name : {"R", "G", "B"})
        if (const int c = frame.channel(prefix + name); c >= 0) index.push_back(c);
    if (index.size() != 3) {
        int grey = frame.channel(prefix + "Y");
        if (grey < 0 && layer.empty()) grey = 0;
        if (grey < 0)
            throw Error(ExitCode::Input,
                        cat("cannot show ", image.file, ": it has no layer '", layer, "'"));
        index = {grey, grey, grey};
    }
    Frame shown;
    shown.data = shown.display = frame.display;
    shown.channels = {"R", "G", "B"};
    shown.pixels.assign(static_cast<size_t>(shown.data.width) * shown.data.height * 3, 0);
    const Window common = intersect(frame.data, shown.data);
    for (int y = common.y; y < common.bottom(); ++y)
        for (int x = common.x; x < common.right(); ++x)
            for (size_t c = 0; c < 3; ++c) shown.at(x, y)[c] = frame.at(x, y)[index[c]];
    return shown;
}

/// The channels to show, scaled, with square pixels.
Frame shownPixels(const PlateImage& image, const std::string& layer, double scale) {
    const Frame shown = shownPart(image, layer);
    if (!(scale > 0 && scale <= 16))
        throw Error(ExitCode::Usage, cat("a preview's scale of ", scale, " is not in (0, 16]"));
    const int width = std::max(
        1, static_cast<int>(std::lround(shown.data.width * scale * double(image.pixelAspect))));
    const int height = std::max(1, static_cast<int>(std::lround(shown.data.height * scale)));
    const bool reduces = width <= shown.data.width && height <= shown.data.height;
    return resize(shown, width, height, reduces ? Filter::Box : Filter::Triangle);
}

/// A label in lines of at most `most` characters, broken at spaces where there are any: what
/// differs may be a whole prompt.
std::vector<std::string> labelLines(const std::string& label, size_t most) {
    std::vector<std::string> lines;
    for (size_t at = 0; at < label.size();) {
        size_t length = std::min(most, label.size() - at);
        if (at + length < label.size()) {
            const size_t space = label.rfind(' ', at + length);
            if (space != std::string::npos && space > at) length = space - at;
        }
        lines.push_back(label.substr(at, length));
        at += length;
        if (at < label.size() && label[at] == ' ') ++at;
    }
    return lines;
}

void drawLabelLines(Picture& picture, const std::string& label) {
    const int size = std::max(1, picture.height / 180);
    const int most = std::max(1, (picture.width / size - 1) / 4);
    int y = 0;
    for (const std::string& line : labelLines(label, static_cast<size_t>(most))) {
        drawLabel(picture, 0, y, line, size);
        y += 6 * size;  // the line above lends its last dark row
    }
}

Picture cell(const PreviewFrame& frame, const ColorConfig& config, const PreviewOptions& options,
             double scale) {
    Picture picture = displayPicture(frame.file, config, options.colorspace, options, scale);
    if (!frame.with.empty()) {
        PreviewOptions plate = options;
        plate.layer.clear();
        picture = beside(displayPicture(frame.with, config, options.withColorspace, plate, scale),
                         picture);
    }
    drawLabelLines(picture, frame.label);
    return picture;
}

}  // namespace

Frame displayFrame(const PlateImage& image, const ColorConfig& config,
                   const std::string& colorspace, const PreviewOptions& options, double scale) {
    const SpaceChoice space = choosePlateSpace(config, image, colorspace);
    Frame shown = shownPixels(image, options.layer, scale);
    const auto gain = static_cast<float>(std::exp2(options.exposure));
    if (gain != 1)
        for (float& value : shown.pixels) value *= gain;
    config.display(space.name, options.display, options.view).apply(shown);
    return shown;
}

Frame seenFrame(const PlateImage& image, const ColorConfig& config, const std::string& colorspace) {
    const SpaceChoice space = choosePlateSpace(config, image, colorspace);
    const bool encoded = space.name == config.firstOf(namesOfSpace("srgb_rec709_scene"));
    return encoded ? shownPixels(image, {}, 1) : displayFrame(image, config, colorspace, {}, 1);
}

Picture displayPicture(const std::string& file, const ColorConfig& config,
                       const std::string& colorspace, const PreviewOptions& options, double scale) {
    const Frame shown = displayFrame(readPlate(file), config, colorspace, options, scale);
    Picture picture = Picture::filled(shown.data.width, shown.data.height, 0);
    for (size_t i = 0; i < shown.pixels.size(); ++i) {
        const float value = shown.pixels[i];  // NaN becomes 0
        picture.rgb[i] =
            static_cast<std::uint8_t>(value > 0 ? std::min(value, 1.f) * 255 + 0.5f : 0);
    }
    return picture;
}

void writeContactSheet(const std::filesystem::path& path, const std::vector<PreviewFrame>& frames,
                       const ColorConfig& config, const PreviewOptions& options) {
    if (frames.empty()) throw Error(ExitCode::Input, "there is no frame to show");
    double scale = options.scale;
    if (scale <= 0) {
        const PlateProbe first = probe(frames[0].file);
        scale = std::min(1.0, 480 / std::max(1.0, first.display.width * double(first.pixelAspect)));
    }
    const int count = static_cast<int>(frames.size());
    Picture sheet;
    int cellWidth = 0, cellHeight = 0, columns = 1;
    constexpr int gap = 4;
    for (int i = 0; i < count; ++i) {
        const Picture picture = cell(frames[i], config, options, scale);
        if (i == 0) {
            cellWidth = picture.width + gap;
            cellHeight = picture.height + gap;
            columns = options.columns > 0 ? options.columns
                                          : static_cast<int>(std::lround(std::sqrt(
                                                double(count) * cellHeight * 16 / 9 / cellWidth)));
            columns = std::clamp(columns, 1, count);
            const double pixels =
                double(columns) * cellWidth * ((count - 1) / columns + 1) * cellHeight;
            if (pixels > 4e8)
                throw Error(ExitCode::Usage,
                            "the sheet would have more than 400 million pixels; "
                            "choose fewer frames or a smaller scale");
            sheet = Picture::filled(columns * cellWidth + gap,
                                    ((count - 1) / columns + 1) * cellHeight + gap, 24);
        }
        paste(sheet, picture, i % columns * cellWidth + gap, i / columns * cellHeight + gap);
    }
    writePng(path, sheet);
}

void writeMovie(const std::filesystem::path& path, const std::vector<PreviewFrame>& frames,
                const ColorConfig& config, const PreviewOptions& options) {
    if (frames.empty()) throw Error(ExitCode::Input, "there is no frame to show");
    double fps = options.fps;
    if (fps <= 0) {
        const auto own = probe(frames[0].file).framesPerSecond;
        fps = own ? static_cast<double>(own->numerator) / own->denominator : 24;
    }
    MovieWriter movie(path, fps);
    for (const PreviewFrame& frame : frames)
        movie.add(cell(frame, config, options, options.scale > 0 ? options.scale : 1));
    movie.finish();
}

}  // namespace derrumbe::image
