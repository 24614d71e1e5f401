#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>

#include "cli/commands.h"
#include "cli/compare_report.h"
#include "cli/comparer.h"
#include "image/sequence.h"
#include "support/atomic_file.h"
#include "support/frame_range.h"

namespace derrumbe::cli {

namespace {

namespace fs = std::filesystem;

struct Options {
    std::string a, b, frames, junit, colorspace;
    fs::path heatmap;
    double tolerance = 0, pixelsPerDegree = image::flipPixelsPerDegree;
    bool json = false;
};

/// A pattern, a picture, or the sequence that a folder holds.
image::SequencePath sequenceOf(const std::string& path) {
    std::error_code error;
    return fs::is_directory(path, error) ? image::SequencePath::inFolder(path)
                                         : image::SequencePath::parse(path);
}

FrameList framesOf(const Options& options, const image::SequencePath& a,
                   const image::SequencePath& b) {
    if (!options.frames.empty()) return parseFrameRange(options.frames);
    if (!a.isSequence()) return b.isSequence() ? b.existing() : FrameList{0};
    FrameList frames = a.existing();
    // A frame that only one side has is a difference, not something to pass over.
    for (const int frame : b.existing())
        if (std::find(frames.begin(), frames.end(), frame) == frames.end()) frames.push_back(frame);
    std::sort(frames.begin(), frames.end());
    return frames;
}

Comparer comparerOf(const Options& options) {
    Comparer comparer;
    comparer.tolerance.maxError = options.tolerance;
    comparer.heatmap = options.heatmap;
    comparer.pixelsPerDegree = options.pixelsPerDegree;
    comparer.colorspace = options.colorspace;
    return comparer;
}

ExitCode compare(const Options& options) {
    const auto a = sequenceOf(options.a), b = sequenceOf(options.b);
    const FrameList frames = framesOf(options, a, b);
    if (frames.empty())
        throw Error(ExitCode::Input, fmt::format("no frames of {} are there", options.a));
    if (!options.heatmap.empty()) ensureWritable(options.heatmap);
    const Comparer comparer = comparerOf(options);
    std::vector<FrameResult> results;
    for (const int frame : frames) {
        const std::string name =
            a.isSequence() || b.isSequence() ? std::to_string(frame) : options.a;
        results.push_back(comparer.compare(name, a.file(frame), b.file(frame)));
        if (!options.json) fmt::print("{}\n", resultLine(results.back()));
    }
    if (options.json) fmt::print("{}", resultJson(results));
    if (!options.junit.empty()) writeTextAtomically(options.junit, resultJunit(results, "compare"));
    return outcome(results);
}

}  // namespace

Action addCompare(CLI::App& app) {
    CLI::App* command = app.add_subcommand("compare", "compare two sequences or two pictures");
    auto options = std::make_shared<Options>();
    command
        ->add_option("a", options->a,
                     "a sequence (####), a folder that holds one sequence, or a picture")
        ->required();
    command->add_option("b", options->b, "the one to compare with, a golden one for instance")
        ->required();
    command->add_option("--frames", options->frames,
                        "frames to compare (default: all that are there)");
    command
        ->add_option("--tolerance", options->tolerance,
                     "largest difference of a sample that passes")
        ->check(CLI::NonNegativeNumber);
    command->add_option("--junit", options->junit, "write one test case a frame")
        ->type_name("FILE");
    command
        ->add_option("--heatmap", options->heatmap,
                     "write a PNG for each frame that differs: differences of samples and FLIP")
        ->type_name("DIR");
    command->add_option("--colorspace", options->colorspace,
                        "OCIO space of the pictures, for FLIP (default: as their headers say)");
    command
        ->add_option("--pixels-per-degree", options->pixelsPerDegree,
                     "of the eye, for FLIP (default: 67, a monitor at arm's length)")
        ->check(CLI::Range(1.0, 1000.0));
    command->add_flag("--json", options->json, "as JSON");
    return [options] { return compare(*options); };
}

}  // namespace derrumbe::cli
