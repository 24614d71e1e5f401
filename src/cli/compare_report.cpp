#include "cli/compare_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "support/strings.h"

namespace derrumbe::cli {

namespace {

nlohmann::json finite(double value) {
    return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json();
}

std::string properties(const FrameResult& result) {
    const image::Comparison& c = result.comparison;
    std::string xml = "\n    <properties>\n";
    const auto add = [&](const char* name, double value) {
        xml += fmt::format("      <property name=\"{}\" value=\"{:.9g}\"/>\n", name, value);
    };
    add("max_error", c.maxError);
    add("rmse", c.rmse);
    add("psnr", c.psnr);
    if (result.flip) add("flip", *result.flip);
    return xml + "    </properties>\n  ";
}

}  // namespace

std::string describe(const FrameResult& result) {
    const image::Comparison& c = result.comparison;
    if (!result.error.empty()) return result.error;
    if (!c.mismatch.empty()) return c.mismatch;
    if (c.identical()) return "identical";
    std::string text = fmt::format("max {:.6g} at {},{} {}, rmse {:.6g}, psnr {:.2f} dB",
                                   c.maxError, c.worstX, c.worstY, c.worstChannel, c.rmse, c.psnr);
    if (result.flip) text += fmt::format(", flip {:.6f}", *result.flip);
    return text;
}

std::string resultLine(const FrameResult& result) {
    return fmt::format("{} {} {}", result.name,
                       !result.error.empty() ? "ERROR"
                       : result.passed       ? "ok  "
                                             : "FAIL",
                       describe(result));
}

ExitCode outcome(const std::vector<FrameResult>& results) {
    ExitCode code = ExitCode::Done;
    for (const FrameResult& result : results) {
        if (result.passed) continue;
        if (result.error.empty()) return ExitCode::Mismatch;
        if (code == ExitCode::Done) code = result.errorCode;
    }
    return code;
}

std::string resultJson(const std::vector<FrameResult>& results) {
    nlohmann::ordered_json frames = nlohmann::ordered_json::array();
    for (const FrameResult& result : results) {
        const image::Comparison& c = result.comparison;
        frames.push_back({{"frame", result.name},
                          {"passed", result.passed},
                          {"error", result.error},
                          {"mismatch", c.mismatch},
                          {"max_error", finite(c.maxError)},
                          {"mean_error", finite(c.meanError)},
                          {"rmse", finite(c.rmse)},
                          {"psnr", finite(c.psnr)},
                          {"flip", finite(result.flip.value_or(NAN))},
                          {"differing_samples", c.differing}});
    }
    return frames.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string resultJunit(const std::vector<FrameResult>& results, const std::string& command) {
    const auto count = [&](auto of) { return std::count_if(results.begin(), results.end(), of); };
    std::string xml = fmt::format(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"derrumbe {}\" "
        "tests=\"{}\" failures=\"{}\" errors=\"{}\">\n",
        command, results.size(),
        count([](const FrameResult& r) { return !r.passed && r.error.empty(); }),
        count([](const FrameResult& r) { return !r.error.empty(); }));
    for (const FrameResult& result : results) {
        xml += fmt::format("  <testcase classname=\"derrumbe.{}\" name=\"{}\">", command,
                           markupEscaped(result.name));
        if (result.error.empty() && result.comparison.mismatch.empty()) xml += properties(result);
        if (!result.passed)
            xml += fmt::format("<{} message=\"{}\"/>", result.error.empty() ? "failure" : "error",
                               markupEscaped(describe(result)));
        xml += "</testcase>\n";
    }
    return xml + "</testsuite>\n";
}

}  // namespace derrumbe::cli
