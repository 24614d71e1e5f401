#include "cli/wedge_problems.h"

#include <catch2/catch.hpp>

using namespace derrumbe;
using namespace derrumbe::cli;

namespace {

std::vector<std::string> texts(const std::vector<TakeProblems>& takes) {
    std::vector<std::string> lines;
    for (const Problem& problem : wedgeProblems(takes)) lines.push_back(problem.text());
    return lines;
}

const Problem kMissing{ExitCode::Input, "is missing", {"p.1001.exr"}};

}  // namespace

TEST_CASE("a problem of every take is said once", "[wedge]") {
    CHECK(texts({{{"a=1"}, {kMissing}}, {{"a=2"}, {kMissing}}}) ==
          std::vector<std::string>{"p.1001.exr: error: is missing"});
    CHECK(texts({{{}, {kMissing}}}) == std::vector<std::string>{"p.1001.exr: error: is missing"});
}

TEST_CASE("a problem names the wedge's value that it comes from", "[wedge]") {
    const Problem unknown{ExitCode::Usage, "unknown key", {"--set a"}};
    const Problem bad{ExitCode::Usage, "must be a number", {"--set b"}};
    // The product of a=1,2 and b=x,3.
    CHECK(texts({{{"a=1", "b=x"}, {unknown, bad}},
                 {{"a=1", "b=3"}, {unknown}},
                 {{"a=2", "b=x"}, {unknown, bad, kMissing}},
                 {{"a=2", "b=3"}, {unknown, kMissing}}}) ==
          std::vector<std::string>{"--wedge a=1,2: error: unknown key",
                                   "--wedge b=x: error: must be a number",
                                   "p.1001.exr: error: is missing (with a=2)"});
}
