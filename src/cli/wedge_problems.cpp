#include "cli/wedge_problems.h"

#include <fmt/format.h>

#include <algorithm>

#include "shot/characters.h"

namespace derrumbe::cli {

namespace {

/// A problem and the takes that have it.
struct Found {
    Problem problem;
    std::vector<size_t> takes;
};

bool same(const Problem& a, const Problem& b) {
    return a.code == b.code && a.message == b.message && a.warning == b.warning &&
           a.place.file == b.place.file && a.place.line == b.place.line &&
           a.place.column == b.place.column;
}

std::vector<Found> gather(const std::vector<TakeProblems>& takes) {
    std::vector<Found> all;
    for (size_t take = 0; take < takes.size(); ++take) {
        for (const Problem& problem : takes[take].problems) {
            const auto known = std::find_if(all.begin(), all.end(), [&](const Found& found) {
                return same(found.problem, problem);
            });
            if (known == all.end())
                all.push_back({problem, {take}});
            else
                known->takes.push_back(take);
        }
    }
    return all;
}

/// A value for a message: shortened and printable, without the quotes of shown().
std::string brief(const std::string& value) {
    const std::string quoted = shot::shown(value);
    return quoted.substr(1, quoted.size() - 2);
}

/// The values that some of the takes have of the wedge's key number `key`, as they were given.
std::vector<std::string> valuesOf(const std::vector<TakeProblems>& all,
                                  const std::vector<size_t>& takes, size_t key) {
    std::vector<std::string> values;
    for (const size_t take : takes) {
        const std::string& pair = all[take].wedge[key];
        const std::string value = brief(pair.substr(pair.find('=') + 1));
        if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
    }
    return values;
}

}  // namespace

std::vector<Problem> wedgeProblems(const std::vector<TakeProblems>& takes) {
    std::vector<size_t> every;
    for (size_t take = 0; take < takes.size(); ++take) every.push_back(take);
    std::vector<Problem> problems;
    for (Found& found : gather(takes)) {
        std::vector<std::string> with;
        for (size_t i = 0; i < takes.front().wedge.size(); ++i) {
            const std::string& pair = takes.front().wedge[i];
            const std::string key = pair.substr(0, pair.find('='));
            const std::vector<std::string> values = valuesOf(takes, found.takes, i);
            const std::string text = fmt::format("{}={}", key, fmt::join(values, ","));
            // Overrides are how values reach the shot, and not what was typed.
            if (found.problem.place.file == "--set " + key)
                found.problem.place = {"--wedge " + text};
            else if (values.size() < valuesOf(takes, every, i).size())
                with.push_back(text);
        }
        if (!with.empty()) found.problem.message += fmt::format(" (with {})", fmt::join(with, " "));
        problems.push_back(std::move(found.problem));
    }
    return problems;
}

}  // namespace derrumbe::cli
