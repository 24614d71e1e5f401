#include "support/error.h"

#include <algorithm>

namespace derrumbe {

std::string Problem::text() const {
    std::string where;
    if (!place.file.empty()) {
        where = place.file + ":";
        if (place.line > 0) where += std::to_string(place.line) + ":";
        if (place.line > 0 && place.column > 0) where += std::to_string(place.column) + ":";
        where += " ";
    }
    return where + (warning ? "warning: " : "error: ") + message;
}

namespace {

std::string allTexts(const std::vector<Problem>& problems) {
    std::string all;
    for (const Problem& problem : problems) {
        if (!all.empty()) all += "\n";
        all += problem.text();
    }
    return all;
}

/// Errors first, each group in the order found, so that `front()` decides the exit code.
std::vector<Problem> errorsFirst(std::vector<Problem> problems) {
    std::stable_partition(problems.begin(), problems.end(),
                          [](const Problem& p) { return !p.warning; });
    return problems;
}

}  // namespace

Error::Error(ExitCode code, const std::string& message, Place place)
    : Error(std::vector<Problem>{{code, message, std::move(place)}}) {}

Error::Error(std::vector<Problem> problems)
    : std::runtime_error(allTexts(problems)), problems_(errorsFirst(std::move(problems))) {
    if (problems_.empty()) problems_.push_back({ExitCode::Internal, "an error without a problem"});
}

void Problems::error(ExitCode code, std::string message, Place place) {
    list_.push_back({code, std::move(message), std::move(place)});
}

void Problems::warning(std::string message, Place place) {
    list_.push_back({ExitCode::Usage, std::move(message), std::move(place), true});
}

void Problems::add(const std::vector<Problem>& problems) {
    list_.insert(list_.end(), problems.begin(), problems.end());
}

bool Problems::hasErrors() const {
    return std::any_of(list_.begin(), list_.end(), [](const Problem& p) { return !p.warning; });
}

void Problems::throwIfErrors() const {
    if (hasErrors()) throw Error(list_);
}

}  // namespace derrumbe
