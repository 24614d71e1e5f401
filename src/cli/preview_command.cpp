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
    std::vector<std::string> sources;
    std::string with, frames;
    fs::path out;
    image::PreviewOptions look;
    size_t sheetFrames = 12;
};

/// What is to be shown: files by frame number, and what a log says of them.
struct Source {
    std::vector<std::pair<int, std::string>> files;
    double fps = 0;          ///< 0: not said
    std::string plateSpace;  ///< empty: not said
    nlohmann::json shot;     ///< the resolved shot, by JSON pointers; null without a log
};

/// From a sequence pattern, or from the frames that a log names.
Source sourceOf(const std::string& name) {
    Source source;
    if (fs::path(name).extension() == ".json") {
        const provenance::Statement log = provenance::readStatement(readFile(name), name);
        const fs::path folder = fs::absolute(name).parent_path();
        for (const provenance::Subject& subject : log.subjects)
            source.files.emplace_back(subject.frame.value_or(0), (folder / subject.name).string());
        const nlohmann::json shot = nlohmann::json::parse(log.shotJson, nullptr, false);
        if (shot.is_object()) source.shot = shot.flatten();
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

/// The frames of a source that are asked for.
std::vector<image::PreviewFrame> framesOf(const Source& source, const Options& options) {
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

/// What sets a source apart from the others, `sampler.seed=43 shot.take=2`: every key of its shot
/// that is not the same in all of them, paths of outputs left out.
std::string difference(const Source& source, const std::vector<Source>& all) {
    std::string text;
    if (!source.shot.is_object()) return text;
    for (const auto& [pointer, value] : source.shot.items()) {
        const auto same = [&, &key = pointer, &own = value](const Source& other) {
            return other.shot.is_object() && other.shot.contains(key) && other.shot[key] == own;
        };
        if (pointer == "/output/path" || pointer == "/provenance/path" ||
            std::all_of(all.begin(), all.end(), same))
            continue;
        std::string key = pointer.substr(1);
        std::replace(key.begin(), key.end(), '/', '.');
        text += fmt::format("{}{}={}", text.empty() ? "" : " ", key,
                            value.is_string() ? value.get<std::string>() : value.dump());
    }
    return text;
}

/// One row a source, the same frames of each, what differs written into its first cell.
std::vector<image::PreviewFrame> wedge(const std::vector<Source>& sources, const Options& options,
                                       image::PreviewOptions& look) {
    // Few enough that all rows make about the sheet that one source alone makes.
    const size_t most = std::max<size_t>(1, options.sheetFrames / sources.size());
    std::vector<image::PreviewFrame> cells;
    for (const Source& source : sources) {
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
    std::vector<Source> sources;
    for (const std::string& name : options.sources) sources.push_back(sourceOf(name));
    const Source& source = sources.front();
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
