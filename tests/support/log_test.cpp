#include <fcntl.h>
#include <unistd.h>
#include <catch2/catch.hpp>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "support/log.h"

using namespace derrumbe;

namespace {

/// What `say` writes to standard error.
template <class Say>
std::string standardError(const Say& say) {
    char name[] = "/tmp/derrumbe_log_XXXXXX";
    const int file = mkstemp(name), kept = dup(STDERR_FILENO);
    dup2(file, STDERR_FILENO);
    say();
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(file);
    std::ostringstream text;
    text << std::ifstream(name).rdbuf();
    std::remove(name);
    return text.str();
}

}  // namespace

TEST_CASE("a problem is one line of text, or one object with its place", "[log]") {
    const Problem error{ExitCode::Input, "no \"plate\"", {"shot.yaml", 3, 7}};
    CHECK(standardError([&] { Log().problem(error); }) == "shot.yaml:3:7: error: no \"plate\"\n");
    const std::string json = standardError([&] { Log(LogFormat::Json).problem(error); });
    CHECK(json.rfind("{\"time\":\"", 0) == 0);
    CHECK(json.find("\"level\":\"error\",\"message\":\"no \\\"plate\\\"\",\"code\":\"3\","
                    "\"file\":\"shot.yaml\",\"line\":\"3\",\"column\":\"7\"}\n") !=
          std::string::npos);
    Log log(LogFormat::Json);
    const Problem warning{ExitCode::Usage, "odd", {}, true};
    const std::string odd = standardError([&] { log.problem(warning); });
    CHECK(odd.find("\"level\":\"warning\",\"message\":\"odd\"}\n") != std::string::npos);
    CHECK(log.warnings() == std::vector<std::string>{"warning: odd"});
}

TEST_CASE("no control character reaches a terminal", "[log]") {
    const Problem problem{ExitCode::Model, "'\x1b[2J\r\x7f \u009b2J \u00a0\u00e9 \xc2'", {}};
    CHECK(standardError([&] { Log().problem(problem); }) ==
          "error: '?[2J?? ?2J \u00a0\u00e9 \xc2'\n");
}
