#include "provenance/report.h"

#include <algorithm>
#include <set>
#include <tuple>

#include <nlohmann/json.hpp>

#include "provenance/policy.h"

namespace derrumbe::provenance {

namespace {

using Json = nlohmann::json;

std::string textAt(const Json& json, const char* key) {
    const auto found = json.is_object() ? json.find(key) : json.end();
    return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

void readIdentity(const Statement& statement, ReportRow& row) {
    const Json shot = Json::parse(statement.shotJson, nullptr, false);
    const Json identity = shot.is_object() ? shot.value("shot", Json()) : Json();
    row.show = textAt(identity, "show");
    row.shot = textAt(identity, "name");
    const auto take = identity.is_object() ? identity.find("take") : identity.end();
    if (take != identity.end() && take->is_number_integer()) row.take = take->get<int>();
}

std::vector<std::string> missingOf(const Statement& statement, const ReportRow& row) {
    std::vector<std::string> missing;
    const bool changed = !statement.disclosure.framesChanged.empty();
    // A frame that is the plate needs nobody's leave.
    if (row.deliverable == "final" && changed && row.approval.empty())
        missing.emplace_back("approval");
    const auto unknown = [](const std::string& text) { return text.empty() || text == "unknown"; };
    if (unknown(statement.model.license)) missing.emplace_back("model licence");
    if (unknown(statement.model.trainingStatement)) missing.emplace_back("training statement");
    if (unknown(statement.model.trainingRights)) missing.emplace_back("training rights");
    for (const LoraInfo& lora : statement.model.loras)
        if (unknown(lora.license)) missing.push_back("licence of " + lora.name);
    return missing;
}

/// What any run of a log has: whose it is, when, and what it cost.
ReportRow runRow(const Statement& statement, const EarlierRun& run, const std::string& log,
                 const ReportRates& rates) {
    ReportRow row;
    row.log = log;
    readIdentity(statement, row);
    row.outcome = run.outcome;
    row.deliverable = statement.deliverable;
    row.hours = run.wallSeconds / 3600;
    row.cpuHours = run.cpuSeconds / 3600;
    row.energyKilowattHours = run.energyKilowattHours;
    if (!row.energyKilowattHours && rates.watts)
        row.energyKilowattHours = *rates.watts / 1000 * row.hours;
    row.money = run.money;
    row.currency = run.currency;
    if (!row.money && rates.moneyPerHour) {
        row.money = *rates.moneyPerHour * row.hours;
        row.currency = rates.currency;
    }
    row.finishedOn = run.finishedOn;
    row.invocationId = run.invocationId;
    return row;
}

/// What the log says of its own run beside that.
void describeOwn(const Statement& statement, ReportRow& row) {
    row.frames = static_cast<int>(statement.subjects.size());
    const ModelInfo& model = statement.model;
    row.model = model.name + (model.version.empty() ? "" : " " + model.version);
    row.license = model.license.empty() ? "unknown" : model.license;
    row.operatorName = statement.disclosure.operatorName;
    row.device = statement.device;
    for (const PolicyInfo& policy : statement.policies) row.policies.push_back(policy.name);
    row.approval = approvalReference(statement.usageJson);
    row.missing = missingOf(statement, row);
}

}  // namespace

std::vector<ReportRow> reportRows(const Statement& statement, const std::string& log,
                                  const ReportRates& rates) {
    std::vector<ReportRow> rows;
    for (const EarlierRun& run : runsOf(statement))
        rows.insert(rows.begin(), runRow(statement, run, log, rates));
    describeOwn(statement, rows.front());
    for (ReportRow& row : rows) row.earlier = &row != &rows.front();
    return rows;
}

Report makeReport(std::vector<ReportRow> rows) {
    Report report;
    std::set<std::string> runs;
    // Logs of their own first: they know more of a run than a later one does.
    std::stable_partition(rows.begin(), rows.end(),
                          [](const ReportRow& row) { return !row.earlier; });
    for (ReportRow& row : rows)
        if (runs.insert(row.invocationId.empty() ? row.log : row.invocationId).second)
            report.rows.push_back(std::move(row));
    const auto key = [](const ReportRow& row) {
        return std::tie(row.show, row.shot, row.take, row.finishedOn, row.log);
    };
    std::sort(report.rows.begin(), report.rows.end(),
              [&](const ReportRow& a, const ReportRow& b) { return key(a) < key(b); });
    ReportTotals& totals = report.totals;
    std::set<std::pair<std::string, std::string>> shots;
    std::set<std::tuple<std::string, std::string, int>> takes;
    std::set<std::string> models;
    for (const ReportRow& row : report.rows) {
        shots.emplace(row.show, row.shot);
        takes.emplace(row.show, row.shot, row.take);
        if (!row.earlier) models.insert(row.model + " (" + row.license + ")");
        ++totals.runs;
        totals.failed += row.outcome == Outcome::Done ? 0 : 1;
        totals.frames += row.frames;
        totals.hours += row.hours;
        totals.cpuHours += row.cpuHours;
        totals.energyKilowattHours += row.energyKilowattHours.value_or(0);
        totals.withoutEnergy += row.energyKilowattHours ? 0 : 1;
        if (row.money) totals.money[row.currency] += *row.money;
        totals.withoutMoney += row.money ? 0 : 1;
        totals.missing += row.missing.empty() ? 0 : 1;
    }
    totals.shots = static_cast<int>(shots.size());
    totals.takes = static_cast<int>(takes.size());
    totals.models.assign(models.begin(), models.end());
    return report;
}

}  // namespace derrumbe::provenance
