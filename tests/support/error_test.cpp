#include <catch2/catch.hpp>

#include "support/error.h"
#include "support/frames.h"
#include "support/log.h"
#include "support/strings.h"

using namespace derrumbe;

TEST_CASE("problems are gathered, errors come first and decide the exit code", "[error]") {
    Problems problems;
    problems.warning("held frame 1003");
    CHECK_NOTHROW(problems.throwIfErrors());
    problems.error(ExitCode::Input, "no plate", {"shot.yaml", 4, 9});
    problems.error(ExitCode::Model, "no model");
    try {
        problems.throwIfErrors();
        FAIL("not thrown");
    } catch (const Error& error) {
        CHECK(error.code() == ExitCode::Input);
        CHECK(error.problems().size() == 3);
        CHECK(error.problems()[0].text() == "shot.yaml:4:9: error: no plate");
        CHECK(error.problems()[2].text() == "warning: held frame 1003");
    }
}

TEST_CASE("a typo finds the key that was meant, nonsense finds none", "[strings]") {
    const std::vector<std::string> keys{"plate", "matte", "prompt", "sampler", "onset"};
    CHECK(nearest("plat", keys) == "plate");
    CHECK(nearest("samplre", keys) == "sampler");
    CHECK(nearest("zzzzzz", keys).empty());
}

TEST_CASE("quoted text is valid JSON whatever bytes come in", "[log]") {
    CHECK(jsonQuote("a\"b\\c\n") == "\"a\\\"b\\\\c\\u000a\"");
    CHECK(jsonQuote("\xc3\xa9") == "\"\xc3\xa9\"");
    CHECK(jsonQuote("\xff") == "\"\\ufffd\"");
    CHECK(jsonQuote("\xed\xa0\x80") == "\"\\ufffd\\ufffd\\ufffd\"");  // a surrogate is not UTF-8
}

TEST_CASE("windows intersect and unite", "[frames]") {
    const Window a{-8, -4, 64, 32}, b{0, 0, 48, 24};
    CHECK(intersect(a, b) == b);
    CHECK(unite(a, b) == a);
    CHECK(intersect(b, {100, 0, 4, 4}).empty());
    CHECK(unite(b, {}) == b);
}

TEST_CASE("a matte's bounds and values stand in window coordinates", "[frames]") {
    Matte matte{{-2, 1, 4, 3}, std::vector<float>(12, 0)};
    CHECK(matte.bounds().empty());
    matte.values[1 * 4 + 3] = 0.5f;
    CHECK(matte.bounds() == Window{1, 2, 1, 1});
    CHECK(matte.at(1, 2) == 0.5f);
    CHECK(matte.at(50, 50) == 0);
    CHECK(matte.bounds(0.6f).empty());
}
