#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/thumbnail.h"
#include "provenance/envelope.h"
#include "provenance/report.h"
#include "support/atomic_file.h"

namespace derrumbe::cli {

namespace {

namespace fs = std::filesystem;

struct Options {
    std::vector<std::string> logs;
    bool csv = false, json = false, thumbnails = true;
    fs::path html;
    provenance::ReportRates rates;
};

/// The logs themselves; of a folder all *.provenance.json below it.
std::vector<std::string> logFiles(const std::vector<std::string>& given, Problems& problems) {
    const std::string ending = ".provenance.json";
    std::vector<std::string> files;
    for (const std::string& name : given) {
        std::error_code error;
        if (!fs::is_directory(name, error)) {
            files.push_back(name);
            continue;
        }
        std::vector<std::string> found;
        for (fs::recursive_directory_iterator at(name, error), end; !error && at != end;
             at.increment(error)) {
            const std::string file = at->path().string();
            if (file.size() > ending.size() &&
                file.compare(file.size() - ending.size(), ending.size(), ending) == 0)
                found.push_back(file);
        }
        if (error)
            problems.error(ExitCode::Input, "cannot be read: " + error.message(), {name});
        else if (found.empty())
            problems.error(ExitCode::Input, "no *.provenance.json below this folder", {name});
        std::sort(found.begin(), found.end());
        files.insert(files.end(), found.begin(), found.end());
    }
    return files;
}

/// Of the frames that are there the one three quarters in, where what was to fall has fallen.
std::string thumbnailOf(const provenance::Statement& statement, const std::string& log) {
    if (statement.subjects.empty()) return "";
    const nlohmann::json plan = nlohmann::json::parse(statement.planJson, nullptr, false);
    const nlohmann::json space =
        plan.is_object()
            ? plan.value(nlohmann::json::json_pointer("/colour/output"), nlohmann::json())
            : nlohmann::json();
    const auto& subject = statement.subjects[(statement.subjects.size() - 1) * 3 / 4];
    const fs::path file = fs::absolute(log).parent_path() / subject.name;
    try {
        return pngDataUri(file.string(), space.is_string() ? space.get<std::string>() : "", 240);
    } catch (const Error& error) {
        // A page without one picture is better than none: frames may have been moved since.
        fmt::print(stderr, "{}: no thumbnail: {}\n", log, error.problems().front().text());
        return "";
    }
}

ExitCode report(const Options& options) {
    Problems problems;
    std::vector<provenance::ReportRow> rows;
    for (const std::string& file : logFiles(options.logs, problems)) {
        try {
            const std::string text = readFile(file);
            const provenance::Statement statement = provenance::readStatement(text, file);
            auto runs = provenance::reportRows(statement, file, options.rates);
            for (provenance::ReportRow& row : runs) row.sealed = provenance::isEnvelope(text);
            if (!options.html.empty() && options.thumbnails)
                runs.front().thumbnail = thumbnailOf(statement, file);
            std::move(runs.begin(), runs.end(), std::back_inserter(rows));
        } catch (const Error& error) {
            problems.add(error.problems());
        }
    }
    problems.throwIfErrors();
    const provenance::Report made = provenance::makeReport(std::move(rows));
    if (!options.html.empty()) {
        writeTextAtomically(options.html, provenance::reportHtml(made));
        fmt::print("{}\n", options.html.string());
    }
    if (options.json)
        fmt::print("{}", provenance::reportJson(made));
    else if (options.csv)
        fmt::print("{}", provenance::reportCsv(made));
    else if (options.html.empty())
        fmt::print("{}", provenance::reportTable(made));
    return ExitCode::Done;
}

}  // namespace

Action addReport(CLI::App& app) {
    CLI::App* command = app.add_subcommand(
        "report", "what takes and shots came to: frames, hours, energy, money, approvals");
    auto options = std::make_shared<Options>();
    command
        ->add_option("logs", options->logs,
                     "provenance logs, or folders with *.provenance.json below them")
        ->required();
    CLI::Option* csv = command->add_flag("--csv", options->csv, "as CSV");
    command->add_flag("--json", options->json, "as JSON")->excludes(csv);
    CLI::Option* html =
        command->add_option("--html", options->html, "as one page with thumbnails, into this file")
            ->type_name("FILE");
    command->add_flag("!--no-thumbnails", options->thumbnails, "a page without pictures")
        ->needs(html);
    command
        ->add_option("--watts", options->rates.watts,
                     "what a machine draws while it renders, for logs that do not say it")
        ->check(CLI::Range(0.0, 1e6));
    command
        ->add_option("--rate", options->rates.moneyPerHour,
                     "what an hour of a machine costs, for logs that do not say it")
        ->check(CLI::Range(0.0, 1e6));
    command->add_option("--currency", options->rates.currency, "of --rate, e.g. EUR");
    return [options] { return report(*options); };
}

}  // namespace derrumbe::cli
