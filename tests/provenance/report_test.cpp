#include "provenance/report.h"

#include <catch2/catch.hpp>

using namespace derrumbe::provenance;
using Catch::Contains;

namespace {

/// A finished take of half an hour, of 49 frames that the model changed.
Statement take(const std::string& shot, int number, const std::string& invocation) {
    Statement statement;
    statement.shotJson = R"({"shot": {"show": "eternauta", "name": ")" + shot + R"(", "take": )" +
                         std::to_string(number) + "}}";
    statement.subjects.resize(49);
    statement.cost.wallSeconds = 1800;
    statement.cost.cpuSeconds = 7200;
    statement.model = {"derrumbe-mini", "0.1", "wan-vace", "Apache-2.0", "simulated", "own", {}};
    statement.disclosure.framesChanged = "1009-1049";
    statement.invocationId = invocation;
    statement.finishedOn = "2026-11-24T12:00:00Z";
    return statement;
}

Report reportOf(const std::vector<Statement>& statements, const ReportRates& rates = {}) {
    std::vector<ReportRow> rows;
    for (const Statement& statement : statements)
        for (const ReportRow& row : reportRows(statement, "a.provenance.json", rates))
            rows.push_back(row);
    return makeReport(rows);
}

}  // namespace

TEST_CASE("takes and shots are summed, a run that is named twice once", "[report]") {
    Statement failed = take("b020", 1, "4");
    failed.outcome = Outcome::Failed;
    failed.subjects.clear();
    const Report report = reportOf({take("b020", 2, "3"), take("a010", 2, "2"),
                                    take("a010", 1, "1"), take("a010", 1, "1"), failed});
    REQUIRE(report.rows.size() == 4);
    CHECK(report.rows[0].shot == "a010");
    CHECK(report.rows[1].take == 2);
    const ReportTotals& totals = report.totals;
    CHECK(totals.shots == 2);
    CHECK(totals.takes == 4);
    CHECK(totals.runs == 4);
    CHECK(totals.failed == 1);
    CHECK(totals.frames == 3 * 49);
    CHECK(totals.hours == Approx(2));
    CHECK(totals.cpuHours == Approx(8));
    CHECK(totals.models == std::vector<std::string>{"derrumbe-mini 0.1 (Apache-2.0)"});
    CHECK(totals.withoutEnergy == 4);
    CHECK_THAT(reportTable(report), Contains("not known"));
}

TEST_CASE("what a take cost in several goes is the cost of all of them", "[report]") {
    Statement first = take("a010", 1, "1"), last = take("a010", 1, "3");
    first.outcome = Outcome::Interrupted;
    first.subjects.resize(7);
    last.cost.earlierRuns = runsOf(first);
    EarlierRun failed;
    failed.invocationId = "2";
    failed.outcome = Outcome::Failed;
    failed.wallSeconds = 900;
    last.cost.earlierRuns.push_back(failed);
    const Report report = reportOf({last}, {1000, 2, "EUR"});
    REQUIRE(report.rows.size() == 3);
    CHECK(report.totals.runs == 3);
    CHECK(report.totals.takes == 1);
    CHECK(report.totals.failed == 2);
    CHECK(report.totals.frames == 49);
    CHECK(report.totals.hours == Approx(1.25));
    CHECK(report.totals.energyKilowattHours == Approx(1.25));
    CHECK(report.totals.money.at("EUR") == Approx(2.5));
    // The interrupted run's own log is there, too: it counts once, and its frames are known.
    const Report both = reportOf({last, first});
    CHECK(both.totals.runs == 3);
    CHECK(both.totals.frames == 56);
    CHECK(both.totals.hours == Approx(1.25));
}

TEST_CASE("energy and money come from the log, else from the rates that are given", "[report]") {
    Statement known = take("a010", 1, "1");
    known.cost.energyKilowattHours = 2;
    known.cost.money = 3;
    known.cost.currency = "USD";
    ReportRates rates;
    rates.watts = 400;
    rates.moneyPerHour = 1.5;
    rates.currency = "EUR";
    const Report report = reportOf({known, take("a010", 2, "2")}, rates);
    CHECK(report.totals.energyKilowattHours == Approx(2.2));
    CHECK(report.totals.money.at("USD") == Approx(3));
    CHECK(report.totals.money.at("EUR") == Approx(0.75));
    CHECK_THAT(reportTable(report), Contains("0.75 EUR + 3.00 USD"));
}

TEST_CASE("what a clearance would ask for is named", "[report]") {
    Statement statement = take("a010", 1, "1");
    CHECK(reportRows(statement, "a", {}).front().missing == std::vector<std::string>{"approval"});
    statement.usageJson = R"({"approval": "VFX-1182"})";
    CHECK(reportRows(statement, "a", {}).front().missing.empty());
    CHECK(reportRows(statement, "a", {}).front().approval == "VFX-1182");
    statement.usageJson = "{}";
    statement.deliverable = "temp";
    CHECK(reportRows(statement, "a", {}).front().missing.empty());
    statement.model.license = "unknown";
    statement.model.loras = {{"dust.safetensors", "", "", 1}};
    CHECK(reportRows(statement, "a", {}).front().missing ==
          std::vector<std::string>{"model licence", "licence of dust.safetensors"});
    // Nothing was generated: the frames are the plate's.
    statement = take("a010", 1, "1");
    statement.disclosure.framesChanged.clear();
    CHECK(reportRows(statement, "a", {}).front().missing.empty());
}

TEST_CASE("text of a log from elsewhere stays text in every form of the report", "[report]") {
    Statement statement = take("x", 1, "1");
    statement.shotJson = R"j({"shot": {"show": "=cmd(), \"x\"", "name": "<script>\u001b[2J"}})j";
    const Report report = reportOf({statement});
    CHECK_THAT(reportCsv(report), Contains("\"'=cmd(), \"\"x\"\"\""));
    CHECK_THAT(reportHtml(report), Contains("&lt;script&gt;") && !Contains("<script>"));
    CHECK_THAT(reportTable(report), !Contains("\x1b"));
    CHECK_THAT(reportJson(report), Contains("\\u001b"));
    // A log without an identity is a row all the same.
    statement.shotJson = "[]";
    CHECK_THAT(reportTable(reportOf({statement})), Contains("derrumbe-mini"));
}
