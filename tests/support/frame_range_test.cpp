#include <catch2/catch.hpp>

#include "support/error.h"
#include "support/frame_range.h"

using namespace derrumbe;

TEST_CASE("frame ranges follow fileseq, and a colon is a step", "[frame_range]") {
    CHECK(parseFrameRange("1001") == FrameList{1001});
    CHECK(parseFrameRange("1-4") == FrameList{1, 2, 3, 4});
    CHECK(parseFrameRange("1-10x3") == FrameList{1, 4, 7, 10});
    CHECK(parseFrameRange("1-10:3") == FrameList{1, 4, 7, 10});
    CHECK(parseFrameRange("1-10y3") == FrameList{2, 3, 5, 6, 8, 9});
    CHECK(parseFrameRange("10-1x3") == FrameList{10, 7, 4, 1});
    CHECK(parseFrameRange("-5--3") == FrameList{-5, -4, -3});
    CHECK(parseFrameRange("-5-3x4") == FrameList{-5, -1, 3});
    CHECK(parseFrameRange("1001, 1005 ,1010-1012") == FrameList{1001, 1005, 1010, 1011, 1012});
    CHECK(parseFrameRange("1-5,3-8") == FrameList{1, 2, 3, 4, 5, 6, 7, 8});
    CHECK(parseFrameRange("1001-1010:3,1020-1030:2") ==
          FrameList{1001, 1004, 1007, 1010, 1020, 1022, 1024, 1026, 1028, 1030});
}

TEST_CASE("malformed frame ranges are refused with the part that is wrong", "[frame_range]") {
    for (const char* text :
         {"", "abc", "1-", "1-10x0", "1-10z3", "1001-1003 junk", "1,,2", "1-5x0.25", "1-5x", "-",
          "99999999999", "1-20000000", "%s", "1-10x-2", "1-10xx2"}) {
        CAPTURE(text);
        try {
            parseFrameRange(text);
            FAIL("accepted");
        } catch (const Error& error) {
            CHECK(error.code() == ExitCode::Usage);
            CHECK(std::string(error.what()).find("frame range") != std::string::npos);
        }
    }
}

TEST_CASE("formatting and parsing are inverse", "[frame_range]") {
    for (const char* text :
         {"1001-1049", "1-49x2", "1,5,7-9", "-3-2", "10,3", "1001-1010x3,1020-1030x2"}) {
        const FrameList frames = parseFrameRange(text);
        CAPTURE(text, formatFrameRange(frames));
        CHECK(parseFrameRange(formatFrameRange(frames)) == frames);
    }
    CHECK(formatFrameRange(parseFrameRange("1001-1049")) == "1001-1049");
    CHECK(formatFrameRange(parseFrameRange("1-9x2")) == "1-9x2");
}

TEST_CASE("a short text does not ask for long work", "[frame_range]") {
    std::string again = "1-500000";
    while (again.size() < 90000) again += ",1-500000";
    CHECK_THROWS_WITH(parseFrameRange(again), Catch::Contains("more than 1,000,000 frames"));
    CHECK_THROWS_WITH(parseFrameRange("1-1000001"), Catch::Contains("more than 1,000,000 frames"));
    CHECK(parseFrameRange("1-1000000").size() == 1000000);
    // Steps over frames that are not named cost nothing.
    std::string wide = "0-99999999x99999999";
    while (wide.size() < 90000) wide += ",0-99999999x99999999";
    CHECK(parseFrameRange(wide) == FrameList{0, 99999999});
    CHECK_THROWS_WITH(parseFrameRange("1-99999999y1"), Catch::Contains("names no frame"));
}

TEST_CASE("any file's number can be written", "[frame_range]") {
    CHECK(formatFrameRange({-2147483647 - 1, 2147483647}) == "-2147483648,2147483647");
}
