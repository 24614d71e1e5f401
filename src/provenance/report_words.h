#pragma once
#include <string>
#include <utility>
#include <vector>

#include "provenance/report.h"

/// What the table and the page of a report say alike.
namespace derrumbe::provenance {

std::string joined(const std::vector<std::string>& words, const char* between);
/// The row's money with its currency; empty where it is not known.
std::string moneyText(const ReportRow& row);
/// The sums, each as name and value.
std::vector<std::pair<std::string, std::string>> totalsText(const ReportTotals& totals);

}  // namespace derrumbe::provenance
