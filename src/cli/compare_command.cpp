#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "image/compare.h"
#include "image/read_frame.h"
#include "image/sequence.h"
#include "support/atomic_file.h"
#include "support/frame_range.h"

namespace derrumbe::cli {

namespace {

namespace fs = std::filesystem;

struct Options {
    std::string a, b, frames, junit;
    double tolerance = 0;
    bool json = false;
};

struct FrameResult {
    std::string name;
    image::Comparison comparison;
    bool passed = false;
};

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

FrameResult compareFiles(const std::string& name, const std::string& a, const std::string& b,
                         double tolerance) {
    FrameResult result{name, {}, false};
    for (const std::string& file : {a, b})
        if (!fs::exists(file)) result.comparison.mismatch = file + " is not there";
    if (result.comparison.mismatch.empty())
        result.comparison =
            image::compareFrames(image::readPlate(a).frame, image::readPlate(b).frame);
    result.passed = result.comparison.within(tolerance);
    return result;
}

/// JSON has no infinity: equal pictures have no PSNR there.
nlohmann::json finite(double value) {
    return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json();
}

std::string resultJson(const std::vector<FrameResult>& results) {
    nlohmann::ordered_json frames = nlohmann::ordered_json::array();
    for (const FrameResult& result : results) {
        const image::Comparison& c = result.comparison;
        frames.push_back({{"frame", result.name},
                          {"passed", result.passed},
                          {"mismatch", c.mismatch},
                          {"max_error", finite(c.maxError)},
                          {"mean_error", finite(c.meanError)},
                          {"rmse", finite(c.rmse)},
                          {"psnr", finite(c.psnr)},
                          {"differing_samples", c.differing}});
    }
    return frames.dump(2) + "\n";
}

std::string xmlEscaped(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else if (c == '"')
            out += "&quot;";
        else if (static_cast<unsigned char>(c) >= 0x20)
            out += c;
    }
    return out;
}

std::string describe(const FrameResult& result) {
    const image::Comparison& c = result.comparison;
    if (!c.mismatch.empty()) return c.mismatch;
    if (c.identical()) return "identical";
    return fmt::format("max {:.6g} at {},{} {}, rmse {:.6g}, psnr {:.2f} dB", c.maxError, c.worstX,
                       c.worstY, c.worstChannel, c.rmse, c.psnr);
}

void writeJunit(const std::string& file, const std::vector<FrameResult>& results) {
    const auto failures = std::count_if(results.begin(), results.end(),
                                        [](const FrameResult& r) { return !r.passed; });
    std::string xml = fmt::format(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"derrumbe compare\" "
        "tests=\"{}\" failures=\"{}\">\n",
        results.size(), failures);
    for (const FrameResult& result : results) {
        xml += fmt::format("  <testcase classname=\"derrumbe.compare\" name=\"{}\">",
                           xmlEscaped(result.name));
        if (!result.passed)
            xml += fmt::format("<failure message=\"{}\"/>", xmlEscaped(describe(result)));
        xml += "</testcase>\n";
    }
    writeTextAtomically(file, xml + "</testsuite>\n");
}

ExitCode compare(const Options& options) {
    const auto a = image::SequencePath::parse(options.a), b = image::SequencePath::parse(options.b);
    const FrameList frames = framesOf(options, a, b);
    if (frames.empty())
        throw Error(ExitCode::Input, fmt::format("no frames of {} are there", options.a));
    std::vector<FrameResult> results;
    for (const int frame : frames) {
        const std::string name =
            a.isSequence() || b.isSequence() ? std::to_string(frame) : options.a;
        results.push_back(compareFiles(name, a.file(frame), b.file(frame), options.tolerance));
        if (!options.json)
            fmt::print("{} {} {}\n", name, results.back().passed ? "ok  " : "FAIL",
                       describe(results.back()));
    }
    if (options.json) fmt::print("{}", resultJson(results));
    if (!options.junit.empty()) writeJunit(options.junit, results);
    const bool passed =
        std::all_of(results.begin(), results.end(), [](const FrameResult& r) { return r.passed; });
    return passed ? ExitCode::Done : ExitCode::Mismatch;
}

}  // namespace

Action addCompare(CLI::App& app) {
    CLI::App* command = app.add_subcommand("compare", "compare two sequences or two pictures");
    auto options = std::make_shared<Options>();
    command->add_option("a", options->a, "a sequence (####) or a picture")->required();
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
    command->add_flag("--json", options->json, "as JSON");
    return [options] { return compare(*options); };
}

}  // namespace derrumbe::cli
