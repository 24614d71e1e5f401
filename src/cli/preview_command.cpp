#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>

#include "cli/commands.h"
#include "cli/preview_source.h"
#include "image/preview.h"
#include "image/sequence.h"
#include "support/frame_range.h"

namespace derrumbe::cli {

namespace {

namespace fs = std::filesystem;

struct Options {
    std::vector<std::string> sources;
    std::string with, frames;
    fs::path out;
    image::PreviewOptions look;
    size_t sheetFrames = 12;
};

/// A sheet of many frames shows them evenly spread, the first and the last among them; one frame
/// alone is the middle one. 0: all.
template <class Item>
std::vector<Item> spread(const std::vector<Item>& items, size_t most) {
    if (items.size() <= most || most == 0) return items;
    if (most == 1) return {items[items.size() / 2]};
    std::vector<Item> chosen;
    for (size_t i = 0; i < most; ++i) chosen.push_back(items[i * (items.size() - 1) / (most - 1)]);
    return chosen;
}

/// The frames of a source that are asked for.
std::vector<image::PreviewFrame> framesOf(const PreviewSource& source, const Options& options) {
    const auto with = image::SequencePath::parse(options.with);
    const FrameList asked = options.frames.empty() ? FrameList{} : parseFrameRange(options.frames);
    std::vector<image::PreviewFrame> frames;
    for (const auto& [frame, file] : source.files) {
        if (!asked.empty() && std::find(asked.begin(), asked.end(), frame) == asked.end()) continue;
        frames.push_back(
            {file, options.with.empty() ? "" : with.file(frame), std::to_string(frame)});
    }
    if (frames.empty()) throw Error(ExitCode::Usage, "--frames names no frame that is there");
    return frames;
}

/// One row a source, the same frames of each, what differs written into its first cell.
std::vector<image::PreviewFrame> wedge(const std::vector<PreviewSource>& sources,
                                       const Options& options, image::PreviewOptions& look) {
    // Few enough that all rows make about the sheet that one source alone makes.
    const size_t most = std::max<size_t>(1, options.sheetFrames / sources.size());
    std::vector<image::PreviewFrame> cells;
    for (const PreviewSource& source : sources) {
        const auto frames = framesOf(source, options);
        std::vector<image::PreviewFrame> row =
            options.sheetFrames == 0 ? frames : spread(frames, most);
        if (cells.empty()) look.columns = static_cast<int>(row.size());
        if (static_cast<int>(row.size()) != look.columns)
            throw Error(ExitCode::Input, "the sequences of a wedge have different lengths");
        const std::string label = difference(source, sources);
        if (!label.empty()) row.front().label += " " + label;
        cells.insert(cells.end(), row.begin(), row.end());
    }
    return cells;
}

ExitCode preview(const Options& options) {
    const image::ColorConfig colours = image::ColorConfig::load();
    std::vector<PreviewSource> sources;
    for (const std::string& name : options.sources) sources.push_back(readPreviewSource(name));
    const PreviewSource& source = sources.front();
    image::PreviewOptions look = options.look;
    if (look.fps <= 0) look.fps = source.fps;
    if (look.withColorspace.empty()) look.withColorspace = source.plateSpace;
    const bool sheet = options.out.extension() == ".png";
    if (sources.size() > 1 && !sheet)
        throw Error(ExitCode::Usage, "several sequences make a wedge sheet, a .png");
    const std::vector<image::PreviewFrame> frames =
        sources.size() > 1 ? wedge(sources, options, look) : framesOf(source, options);
    if (sheet)
        image::writeContactSheet(options.out,
                                 sources.size() > 1 ? frames : spread(frames, options.sheetFrames),
                                 colours, look);
    else
        image::writeMovie(options.out, frames, colours, look);
    fmt::print("{}\n", options.out.string());
    return ExitCode::Done;
}

}  // namespace

Action addPreview(CLI::App& app) {
    CLI::App* command =
        app.add_subcommand("preview", "a movie or a contact sheet, display-referred through OCIO");
    auto options = std::make_shared<Options>();
    command
        ->add_option(
            "source", options->sources,
            "a sequence (####) or a provenance log; several make a wedge sheet, a row each")
        ->required();
    command->add_option("-o,--output", options->out, "OUT.mp4, OUT.mov or OUT.png")->required();
    command->add_option("--with", options->with, "a plate to show to the left of each frame");
    command->add_option("--frames", options->frames, "only these frames");
    command
        ->add_option("--sheet-frames", options->sheetFrames,
                     "frames on a contact sheet, evenly spread (0: all)")
        ->capture_default_str();
    command->add_option("--columns", options->look.columns, "columns of a contact sheet");
    command->add_option("--scale", options->look.scale,
                        "size of the frames (default: 1, cells of 480 on a sheet)");
    command
        ->add_option("--fps", options->look.fps,
                     "frames a second of a movie (default: the log's or the frames' own, else 24)")
        ->check(CLI::Range(0.01, 1000.0));
    command->add_option("--colorspace", options->look.colorspace,
                        "OCIO space of the frames (default: as their headers say)");
    command->add_option("--with-colorspace", options->look.withColorspace,
                        "OCIO space of the plate (default: the log's, else as its header says)");
    command->add_option("--exposure", options->look.exposure, "stops, before the view");
    command->add_option("--layer", options->look.layer, "show this layer, e.g. generated or matte");
    command->add_option("--display", options->look.display, "OCIO display");
    command->add_option("--view", options->look.view, "OCIO view");
    return [options] { return preview(*options); };
}

}  // namespace derrumbe::cli
