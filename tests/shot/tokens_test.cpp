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

TEST_CASE("frame tokens count in the file's name only", "[tokens]") {
    for (const char* yes : {"a.####.exr", "a.#.exr", "a.@@.exr", "a.%d.exr", "a.%04d.exr",
                            "a.$F4.exr", "x/a.$F.exr"}) {
        CAPTURE(yes);
        CHECK(hasFrameToken(yes));
    }
    for (const char* no : {"a.exr", "a##/b.exr", "50%/b.exr", "b.50%.exr", "$HOME/b.exr"}) {
        CAPTURE(no);
        CHECK_FALSE(hasFrameToken(no));
    }
    CHECK(framePattern("p#/a.####.exr") == framePattern("p#/a.%04d.exr"));
    CHECK(framePattern("p/a.####.exr") != framePattern("p/b.####.exr"));
}
