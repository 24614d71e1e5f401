#include <catch2/catch.hpp>

#include "support/frame_token.h"

using namespace derrumbe;

TEST_CASE("frame tokens count in the file's name only", "[frame_token]") {
    for (const char* yes : {"a.####.exr", "a.#.exr", "a.@@.exr", "a.%d.exr", "a.%04d.exr",
                            "a.$F4.exr", "x/a.$F.exr"}) {
        CAPTURE(yes);
        CHECK(findFrameToken(yes).there());
    }
    for (const char* no : {"a.exr", "a##/b.exr", "50%/b.exr", "b.50%.exr", "$HOME/b.exr"}) {
        CAPTURE(no);
        CHECK_FALSE(findFrameToken(no).there());
    }
}
