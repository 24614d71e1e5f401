#include "shot/wedge.h"

#include <catch2/catch.hpp>

#include "shots.h"

using namespace derrumbe;
using namespace derrumbe::shot;
using Catch::Matchers::Contains;

namespace {

std::string refusedWedge(const std::string& option) {
    Problems problems;
    parseWedge(option, problems);
    std::string text;
    for (const Problem& problem : problems.list()) text += problem.text() + "\n";
    return text;
}

std::vector<std::string> valuesOf(const std::string& option) {
    Problems problems;
    const Wedge wedge = parseWedge(option, problems);
    CHECK_FALSE(problems.hasErrors());
    return wedge.values;
}

}  // namespace

TEST_CASE("a wedge's values are a flow sequence's", "[wedge]") {
    CHECK(valuesOf("sampler.guidance=3, 5.5,7") == std::vector<std::string>{"3", "5.5", "7"});
    CHECK(valuesOf("onset=~,1004") == std::vector<std::string>{"null", "1004"});
    // Text in quotes stays text, and gives the same text when it is read as an override.
    const auto prompts = valuesOf(R"(prompt="dust, much: \"all\"",'it''s smoke', slow fall)");
    REQUIRE(prompts.size() == 3);
    CHECK(parse(kLeast, {"prompt=" + prompts[0]}).prompt == "dust, much: \"all\"");
    CHECK(parse(kLeast, {"prompt=" + prompts[1]}).prompt == "it's smoke");
    CHECK(parse(kLeast, {"prompt=" + prompts[2]}).prompt == "slow fall");
    CHECK_THAT(refusal(kLeast, {"sampler.steps=" + valuesOf("a='20'")[0]}),
               Contains("sampler.steps must be a whole number"));
}

TEST_CASE("what is no wedge is refused", "[wedge]") {
    CHECK_THAT(refusedWedge("sampler.seed"), Contains("--wedge: error") && Contains("KEY=V1,V2"));
    CHECK_THAT(refusedWedge("=1,2"), Contains("KEY=V1,V2"));
    CHECK_THAT(refusedWedge("a..b=1,2"), Contains("KEY=V1,V2"));
    CHECK_THAT(refusedWedge("prompt="), Contains("--wedge prompt: error: no value is given"));
    CHECK_THAT(refusedWedge("prompt=\"a,b"), Contains("not YAML") && Contains("in quotes"));
    CHECK_THAT(refusedWedge("prompt=a],[b"), Contains("--wedge prompt: error"));
    CHECK_THAT(refusedWedge("prompt=dust: much,smoke"),
               Contains("single values, not a mapping") && Contains("in quotes"));
    CHECK_THAT(refusedWedge("region=[0,0,9,9],auto"), Contains("single values, not a list"));
    CHECK_THAT(refusedWedge("sampler.steps=2,4,2"), Contains("\"2\" stands here twice"));
}

TEST_CASE("several wedges make every combination", "[wedge]") {
    CHECK(combinations({}) == std::vector<std::vector<std::string>>{{}});
    CHECK(combinations({{"a", {"1", "2"}}, {"b", {"x", "y"}}}) ==
          std::vector<std::vector<std::string>>{
              {"a=1", "b=x"}, {"a=1", "b=y"}, {"a=2", "b=x"}, {"a=2", "b=y"}});
}
