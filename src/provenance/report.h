#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "provenance/statement.h"

/// What the takes and shots of a show came to, from their provenance logs.
namespace derrumbe::provenance {

/// What a machine draws and costs, for logs that say neither.
struct ReportRates {
    std::optional<double> watts;         ///< of a machine while it renders
    std::optional<double> moneyPerHour;  ///< of a machine
    std::string currency;
};

/// A run of a take.
struct ReportRow {
    std::string log;  ///< the file, as given
    std::string show, shot;
    int take = 0;
    Outcome outcome = Outcome::Done;
    std::string deliverable;  ///< final | temp
    int frames = 0;           ///< delivered
    double hours = 0;         ///< wall time of the run
    double cpuHours = 0;
    std::optional<double> energyKilowattHours, money;
    std::string currency;
    std::string model, license;
    std::string operatorName, finishedOn, device;
    bool earlier = false;               ///< known from the log of a later run
    bool sealed = false;                ///< in a signed envelope; the signature is not looked at
    std::vector<std::string> policies;  ///< names of those that were met
    std::string approval;               ///< the reference; empty: none
    std::vector<std::string> missing;   ///< what a clearance would ask for, in a few words each
    std::string invocationId;
    std::string thumbnail;  ///< a picture as a data URI, for the page; may be empty
};

/// Of a log's statement: its own run, which has the frames, then those before it that it names, of
/// which little more than their cost is known.
std::vector<ReportRow> reportRows(const Statement& statement, const std::string& log,
                                  const ReportRates& rates);

/// Sums. A run that is named twice (the same invocation) counts once, by its own log where that is
/// among them.
struct ReportTotals {
    int shots = 0, takes = 0, runs = 0, failed = 0, frames = 0;
    double hours = 0, cpuHours = 0;
    double energyKilowattHours = 0;
    int withoutEnergy = 0;                ///< runs of which none is known
    std::map<std::string, double> money;  ///< by currency
    int withoutMoney = 0;
    std::vector<std::string> models;  ///< "name (licence)", sorted
    int missing = 0;                  ///< runs with something missing
};

struct Report {
    std::vector<ReportRow> rows;  ///< by show, shot, take, time
    ReportTotals totals;
};

Report makeReport(std::vector<ReportRow> rows);

std::string reportTable(const Report& report);
/// RFC 4180 with a header line. Text that a spreadsheet would take for a formula begins with '.
std::string reportCsv(const Report& report);
std::string reportJson(const Report& report);
/// One page that needs nothing else.
std::string reportHtml(const Report& report);

}  // namespace derrumbe::provenance
