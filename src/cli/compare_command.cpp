#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <numeric>

#include "cli/commands.h"
#include "cli/compare_report.h"
#include "image/flip.h"
#include "image/heatmap.h"
#include "image/preview.h"
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

class Comparer {
  public:
    explicit Comparer(const Options& options) : options_(options) {}

    /// A picture that cannot be read is that frame's error, and the next frame's turn.
    FrameResult compare(const std::string& name, const std::string& a, const std::string& b) const {
        FrameResult result{name, {}, {}, "", false};
        try {
            measure(result, a, b);
        } catch (const Error& error) {
            if (error.code() != ExitCode::Input) throw;
            result.error = error.problems().front().message;
        }
        return result;
    }

  private:
    void measure(FrameResult& result, const std::string& a, const std::string& b) const {
        for (const std::string& file : {a, b}) {
            std::error_code error;
            const fs::file_status status = fs::status(file, error);
            if (status.type() == fs::file_type::not_found)
                result.comparison.mismatch = file + " is not there";
            else if (error)
                throw Error(ExitCode::Input,
                            fmt::format("cannot read {}: {}", file, error.message()));
        }
        if (!result.comparison.mismatch.empty()) return;
        const image::PlateImage first = image::readPlate(a), second = image::readPlate(b);
        result.comparison = image::compareFrames(first.frame, second.frame);
        result.passed = result.comparison.within(options_.tolerance);
        if (!result.comparison.mismatch.empty()) return;
        if (result.comparison.identical())
            result.flip = 0;
        else
            look(result, first, second);
    }

    /// As people see it: FLIP, and the heat map.
    void look(FrameResult& result, const image::PlateImage& a, const image::PlateImage& b) const {
        const Frame shownA = shown(a), shownB = shown(b);
        const int width = shownA.data.width, height = shownA.data.height;
        const std::vector<float> map =
            image::flip(shownA.pixels, shownB.pixels, width, height, options_.pixelsPerDegree);
        result.flip =
            std::accumulate(map.begin(), map.end(), 0.0) / static_cast<double>(map.size());
        if (options_.heatmap.empty()) return;
        const std::string stem = result.name.find('/') == std::string::npos
                                     ? result.name
                                     : fs::path(result.name).filename().string();
        image::writePng(options_.heatmap / (stem + ".png"),
                        image::heatmap(image::differenceMap(a.frame, b.frame),
                                       result.comparison.maxError, map, width, height));
    }

    Frame shown(const image::PlateImage& picture) const {
        return image::displayFrame(picture, colours_, options_.colorspace, {}, 1);
    }

    const Options& options_;
    image::ColorConfig colours_ = image::ColorConfig::load();
};

void makeFolder(const fs::path& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error)
        throw Error(ExitCode::Output,
                    fmt::format("cannot make the folder {}: {}", folder.string(), error.message()));
}

ExitCode compare(const Options& options) {
    const auto a = sequenceOf(options.a), b = sequenceOf(options.b);
    const FrameList frames = framesOf(options, a, b);
    if (frames.empty())
        throw Error(ExitCode::Input, fmt::format("no frames of {} are there", options.a));
    if (!options.heatmap.empty()) makeFolder(options.heatmap);
    const Comparer comparer(options);
    std::vector<FrameResult> results;
    for (const int frame : frames) {
        const std::string name =
            a.isSequence() || b.isSequence() ? std::to_string(frame) : options.a;
        results.push_back(comparer.compare(name, a.file(frame), b.file(frame)));
        const FrameResult& result = results.back();
        if (!options.json)
            fmt::print("{} {} {}\n", name,
                       !result.error.empty() ? "ERROR"
                       : result.passed       ? "ok  "
                                             : "FAIL",
                       describe(result));
    }
    if (options.json) fmt::print("{}", resultJson(results));
    if (!options.junit.empty()) writeTextAtomically(options.junit, resultJunit(results));
    const bool unreadable = std::any_of(results.begin(), results.end(),
                                        [](const FrameResult& r) { return !r.error.empty(); });
    const bool differs = std::any_of(results.begin(), results.end(), [](const FrameResult& r) {
        return !r.passed && r.error.empty();
    });
    if (differs) return ExitCode::Mismatch;
    return unreadable ? ExitCode::Input : ExitCode::Done;
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
