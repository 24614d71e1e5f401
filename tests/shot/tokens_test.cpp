#include <catch2/catch.hpp>

#include "shot/tokens.h"

using namespace derrumbe;
using namespace derrumbe::shot;

TEST_CASE("tokens are replaced, unknown ones refused", "[tokens]") {
    const Identity shot{"eternauta", "bld", 3};
    CHECK(replaceTokens("a/{show}/{name}_t{take}.####.exr", shot) == "a/eternauta/bld_t3.####.exr");
    CHECK(replaceTokens("{take:4}", shot) == "0003");
    CHECK(replaceTokens("{take:1}", {"", "b", 123}) == "123");
    CHECK(replaceTokens("", shot).empty());
    CHECK_THROWS_WITH(replaceTokens("{nam}", shot), Catch::Contains("did you mean {name}?"));
    CHECK_THROWS_WITH(replaceTokens("{frame}", shot), Catch::Contains("unknown token"));
    CHECK_THROWS_WITH(replaceTokens("{take:12}", shot), Catch::Contains("unknown token"));
    CHECK_THROWS_WITH(replaceTokens("{name", shot), Catch::Contains("without its }"));
    CHECK_THROWS_WITH(replaceTokens("name}", shot), Catch::Contains("without its {"));
    CHECK_THROWS_WITH(replaceTokens("{show}", {"", "b", 1}), Catch::Contains("shot.show"));
}

TEST_CASE("paths to the same files have one frame pattern", "[tokens]") {
    CHECK(framePattern("p#/a.####.exr") == framePattern("p#/a.%04d.exr"));
    CHECK(framePattern("p/a.####.exr") != framePattern("p/b.####.exr"));
    CHECK(framePattern("p/a#.####.exr") != framePattern("p/a@.####.exr"));
    CHECK(framePattern("p/a.$FF.exr") == "p/a.$FF.exr");
}
