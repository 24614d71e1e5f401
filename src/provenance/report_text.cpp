#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "provenance/report.h"
#include "provenance/report_words.h"

/// The report as a table, as CSV and as JSON.
namespace derrumbe::provenance {

std::string joined(const std::vector<std::string>& words, const char* between) {
    std::string out;
    for (const std::string& word : words) out += (out.empty() ? "" : between) + word;
    return out;
}

std::string moneyText(const ReportRow& row) {
    return row.money ? fmt::format("{:.2f}{}{}", *row.money, row.currency.empty() ? "" : " ",
                                   row.currency)
                     : "";
}

namespace {

std::string totalMoneyText(const ReportTotals& totals) {
    std::vector<std::string> sums;
    for (const auto& [currency, sum] : totals.money)
        sums.push_back(fmt::format("{:.2f}{}{}", sum, currency.empty() ? "" : " ", currency));
    std::string text = joined(sums, " + ");
    if (totals.withoutMoney > 0 && !text.empty())
        text += fmt::format(" ({} runs not known)", totals.withoutMoney);
    return text.empty() ? "not known" : text;
}

std::string totalEnergyText(const ReportTotals& totals) {
    if (totals.withoutEnergy == totals.runs) return "not known";
    std::string text = fmt::format("{:.3f} kWh", totals.energyKilowattHours);
    if (totals.withoutEnergy > 0) text += fmt::format(" ({} runs not known)", totals.withoutEnergy);
    return text;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> totalsText(const ReportTotals& totals) {
    return {{"shots", std::to_string(totals.shots)},
            {"takes", std::to_string(totals.takes)},
            {"runs", fmt::format("{} ({} not done)", totals.runs, totals.failed)},
            {"frames", std::to_string(totals.frames)},
            {"hours", fmt::format("{:.2f} ({:.2f} of processors)", totals.hours, totals.cpuHours)},
            {"energy", totalEnergyText(totals)},
            {"money", totalMoneyText(totals)},
            {"models", joined(totals.models, ", ")},
            {"not cleared", std::to_string(totals.missing)}};
}

namespace {

/// Characters of UTF-8 text.
size_t widthOf(const std::string& text) {
    return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    }));
}

/// A log is a file from elsewhere: its text must not move a terminal's cursor.
std::string plain(std::string text) {
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
    return text;
}

std::string csvCell(const std::string& text) {
    std::string cell = plain(text);
    if (!cell.empty() && std::string("=+-@").find(cell[0]) != std::string::npos)
        cell.insert(0, "'");
    if (cell.find_first_of("\",") == std::string::npos) return cell;
    std::string quoted = "\"";
    for (const char c : cell) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + "\"";
}

std::string number(const std::optional<double>& value) {
    return value ? fmt::format("{:.6f}", *value) : "";
}

}  // namespace

std::string reportTable(const Report& report) {
    std::vector<std::vector<std::string>> cells = {{"show", "shot", "take", "outcome", "for",
                                                    "frames", "hours", "kWh", "money", "model",
                                                    "approval", "missing"}};
    for (const ReportRow& row : report.rows)
        cells.push_back(
            {row.show, row.shot, std::to_string(row.take), text(row.outcome), row.deliverable,
             std::to_string(row.frames), fmt::format("{:.2f}", row.hours),
             row.energyKilowattHours ? fmt::format("{:.3f}", *row.energyKilowattHours) : "",
             moneyText(row), row.model, row.approval, joined(row.missing, ", ")});
    std::vector<size_t> widths(cells[0].size(), 0);
    for (std::vector<std::string>& line : cells)
        for (size_t i = 0; i < line.size(); ++i) {
            line[i] = line[i].empty() ? "-" : plain(line[i]);
            widths[i] = std::max(widths[i], widthOf(line[i]));
        }
    std::string out;
    for (const std::vector<std::string>& line : cells) {
        std::string written;
        for (size_t i = 0; i < line.size(); ++i)
            written += line[i] + std::string(widths[i] - widthOf(line[i]) + 2, ' ');
        out += written.substr(0, written.find_last_not_of(' ') + 1) + "\n";
    }
    out += "\n";
    for (const auto& [name, value] : totalsText(report.totals))
        out += fmt::format("{:<12} {}\n", name, plain(value));
    return out;
}

std::string reportCsv(const Report& report) {
    std::string out =
        "show,shot,take,outcome,deliverable,frames,wall_hours,cpu_hours,energy_kwh,money,currency,"
        "model,licence,device,operator,finished,approval,missing,policies,signed,log\r\n";
    for (const ReportRow& row : report.rows) {
        const std::string cells[] = {csvCell(row.show),
                                     csvCell(row.shot),
                                     std::to_string(row.take),
                                     text(row.outcome),
                                     csvCell(row.deliverable),
                                     std::to_string(row.frames),
                                     number(row.hours),
                                     number(row.cpuHours),
                                     number(row.energyKilowattHours),
                                     number(row.money),
                                     csvCell(row.currency),
                                     csvCell(row.model),
                                     csvCell(row.license),
                                     csvCell(row.device),
                                     csvCell(row.operatorName),
                                     csvCell(row.finishedOn),
                                     csvCell(row.approval),
                                     csvCell(joined(row.missing, "; ")),
                                     csvCell(joined(row.policies, "; ")),
                                     row.sealed ? "yes" : "no",
                                     csvCell(row.log)};
        for (const std::string& cell : cells) out += cell + ",";
        out.back() = '\r';
        out += '\n';
    }
    return out;
}

std::string reportJson(const Report& report) {
    using Json = nlohmann::ordered_json;
    const auto known = [](const std::optional<double>& value) {
        return value ? Json(*value) : Json();
    };
    Json rows = Json::array();
    for (const ReportRow& row : report.rows)
        rows.push_back({{"show", row.show},
                        {"shot", row.shot},
                        {"take", row.take},
                        {"outcome", text(row.outcome)},
                        {"deliverable", row.deliverable},
                        {"frames", row.frames},
                        {"wall_hours", row.hours},
                        {"cpu_hours", row.cpuHours},
                        {"energy_kwh", known(row.energyKilowattHours)},
                        {"money", known(row.money)},
                        {"currency", row.currency},
                        {"model", row.model},
                        {"licence", row.license},
                        {"device", row.device},
                        {"operator", row.operatorName},
                        {"finished", row.finishedOn},
                        {"approval", row.approval},
                        {"missing", row.missing},
                        {"policies", row.policies},
                        {"signed", row.sealed},
                        {"log", row.log}});
    const ReportTotals& totals = report.totals;
    const bool energy = totals.withoutEnergy < totals.runs;
    const Json json = {{"runs", rows},
                       {"totals",
                        {{"shots", totals.shots},
                         {"takes", totals.takes},
                         {"runs", totals.runs},
                         {"not_done", totals.failed},
                         {"frames", totals.frames},
                         {"wall_hours", totals.hours},
                         {"cpu_hours", totals.cpuHours},
                         {"energy_kwh", energy ? Json(totals.energyKilowattHours) : Json()},
                         {"runs_without_energy", totals.withoutEnergy},
                         {"money", totals.money},
                         {"runs_without_money", totals.withoutMoney},
                         {"models", totals.models},
                         {"not_cleared", totals.missing}}}};
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace derrumbe::provenance
