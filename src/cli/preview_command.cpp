#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "image/preview.h"
#include "image/sequence.h"
#include "provenance/statement.h"
#include "support/atomic_file.h"
#include "support/frame_range.h"

namespace derrumbe::cli {

namespace {

namespace fs = std::filesystem;

struct Options {
    std::string source, with, frames;
    fs::path out;
    image::PreviewOptions look;
    size_t sheetFrames = 12;
};

/// What is to be shown: files by frame number, and what a log says of them.
struct Source {
    std::vector<std::pair<int, std::string>> files;
    double fps = 0;          ///< 0: not said
    std::string plateSpace;  ///< empty: not said
};

/// From a sequence pattern, or from the frames that a log names.
Source sourceOf(const std::string& name) {
    Source source;
    if (fs::path(name).extension() == ".json") {
        const provenance::Statement log = provenance::readStatement(readFile(name), name);
        const fs::path folder = fs::absolute(name).parent_path();
        for (const provenance::Subject& subject : log.subjects)
            source.files.emplace_back(subject.frame.value_or(0), (folder / subject.name).string());
        const nlohmann::json plan = nlohmann::json::parse(log.planJson, nullptr, false);
        const auto said = [&](const char* pointer) {
            return plan.is_object()
                       ? plan.value(nlohmann::json::json_pointer(pointer), nlohmann::json())
                       : nlohmann::json();
        };
        const nlohmann::json fps = said("/plate/fps"), space = said("/colour/plate");
        if (fps.is_number()) source.fps = fps.get<double>();
        if (space.is_string()) source.plateSpace = space.get<std::string>();
    } else {
        const auto sequence = image::SequencePath::parse(name);
        for (const int frame : sequence.isSequence() ? sequence.existing() : FrameList{0})
            source.files.emplace_back(frame, sequence.file(frame));
    }
    if (source.files.empty()) throw Error(ExitCode::Input, fmt::format("{} names no frames", name));
    std::sort(source.files.begin(), source.files.end());
    return source;
}

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

ExitCode preview(const Options& options) {
    const image::ColorConfig colours = image::ColorConfig::load();
    const auto with = image::SequencePath::parse(options.with);
    const FrameList asked = options.frames.empty() ? FrameList{} : parseFrameRange(options.frames);
    std::vector<image::PreviewFrame> frames;
    const Source source = sourceOf(options.source);
    image::PreviewOptions look = options.look;
    if (look.fps <= 0) look.fps = source.fps;
    if (look.withColorspace.empty()) look.withColorspace = source.plateSpace;
    for (const auto& [frame, file] : source.files) {
        if (!asked.empty() && std::find(asked.begin(), asked.end(), frame) == asked.end()) continue;
        frames.push_back(
            {file, options.with.empty() ? "" : with.file(frame), std::to_string(frame)});
    }
    if (frames.empty()) throw Error(ExitCode::Usage, "--frames names no frame that is there");
    if (options.out.extension() == ".png")
        image::writeContactSheet(options.out, spread(frames, options.sheetFrames), colours, look);
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
    command->add_option("source", options->source, "a sequence (####) or a provenance log")
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
