#include <fmt/format.h>

#include "provenance/report.h"
#include "provenance/report_words.h"
#include "support/strings.h"

/// The report as one HTML page: no script, no style or picture from elsewhere.
namespace derrumbe::provenance {

namespace {

constexpr const char* kHead =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" "
    "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
    "<title>Shots</title>\n<style>\n"
    "body{font:14px/1.4 sans-serif;background:#16181b;color:#dcdfe3;margin:24px}\n"
    "table{border-collapse:collapse;margin-bottom:24px}\n"
    "th,td{padding:6px 12px;text-align:left;vertical-align:top;border-bottom:1px solid #33383f}\n"
    "th{color:#9aa3ad;font-weight:normal}\n"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}\n"
    "img{display:block;max-width:240px;max-height:160px}\n"
    ".bad{color:#ff8b73}\n.log{color:#9aa3ad;font-size:12px}\n"
    "</style>\n</head>\n<body>\n";

std::string cell(const std::string& text, const char* look = "") {
    const std::string attribute = *look ? fmt::format(" class=\"{}\"", look) : "";
    return fmt::format("<td{}>{}</td>", attribute, text.empty() ? "&ndash;" : markupEscaped(text));
}

std::string rowHtml(const ReportRow& row) {
    const std::string picture =
        row.thumbnail.empty() ? ""
                              : fmt::format("<img src=\"{}\" alt=\"{}\">",
                                            markupEscaped(row.thumbnail), markupEscaped(row.shot));
    std::string out = fmt::format("<tr><td>{}</td>", picture);
    out +=
        fmt::format("<td>{} {}<br>take {}<div class=\"log\">{}</div></td>", markupEscaped(row.show),
                    markupEscaped(row.shot), row.take, markupEscaped(row.log));
    out += cell(text(row.outcome), row.outcome == Outcome::Done ? "" : "bad");
    out += cell(row.deliverable);
    out += cell(std::to_string(row.frames), "n");
    out += cell(fmt::format("{:.2f}", row.hours), "n");
    out +=
        cell(row.energyKilowattHours ? fmt::format("{:.3f}", *row.energyKilowattHours) : "", "n");
    out += cell(moneyText(row), "n");
    out += fmt::format("<td>{}<br>{}</td>", markupEscaped(row.model), markupEscaped(row.license));
    out += cell(row.approval);
    out += cell(joined(row.missing, ", "), "bad");
    out += cell(joined(row.policies, ", "));
    out += cell(row.sealed ? "yes" : "no");
    return out + "</tr>\n";
}

}  // namespace

std::string reportHtml(const Report& report) {
    std::string out = kHead;
    out += "<table>\n";
    for (const auto& [name, value] : totalsText(report.totals))
        out += fmt::format("<tr><th>{}</th><td>{}</td></tr>\n", name, markupEscaped(value));
    out +=
        "</table>\n<table>\n<tr><th></th><th>shot</th><th>outcome</th><th>for</th><th>frames</th>"
        "<th>hours</th><th>kWh</th><th>money</th><th>model</th><th>approval</th><th>missing</th>"
        "<th>policies</th><th>signed</th></tr>\n";
    for (const ReportRow& row : report.rows) out += rowHtml(row);
    return out + "</table>\n</body>\n</html>\n";
}

}  // namespace derrumbe::provenance
