#include "image/sequence.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "fixtures.h"
#include "support/error.h"

using derrumbe::image::SequencePath;

namespace {

std::string at(const std::string& pattern, int frame) {
    return SequencePath::parse(pattern).file(frame);
}

void touch(const std::string& file) {
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    std::ofstream(file) << "x";
}

}  // namespace

TEST_CASE("every padding style gives its digits", "[sequence]") {
    CHECK(at("p/a.####.exr", 7) == "p/a.0007.exr");
    CHECK(at("p/a.##.exr", 7) == "p/a.07.exr");
    CHECK(at("p/a.##.exr", 1234) == "p/a.1234.exr");
    CHECK(at("p/a.#.exr", 7) == "p/a.0007.exr");
    CHECK(at("p/a.@.exr", 7) == "p/a.7.exr");
    CHECK(at("p/a.@@@.exr", 7) == "p/a.007.exr");
    CHECK(at("p/a.%04d.exr", 7) == "p/a.0007.exr");
    CHECK(at("p/a.%d.exr", 12345) == "p/a.12345.exr");
    CHECK(at("p/a.$F4.exr", 7) == "p/a.0007.exr");
    CHECK(at("p/a.$F.exr", 7) == "p/a.7.exr");
}

TEST_CASE("negative frames fill the whole field", "[sequence]") {
    CHECK(at("a.####.exr", -5) == "a.-005.exr");
    CHECK(at("a.%04d.exr", -12) == "a.-012.exr");
    CHECK(at("a.@.exr", -3) == "a.-3.exr");
    CHECK(at("a.####.exr", -12345) == "a.-12345.exr");
}

TEST_CASE("only the last token of the file name counts", "[sequence]") {
    CHECK(at("/jobs/a#b/v2@x/f.%04d.exr", 7) == "/jobs/a#b/v2@x/f.0007.exr");
    CHECK(at("shot_010#/plate.exr", 7) == "shot_010#/plate.exr");
    CHECK_FALSE(SequencePath::parse("shot_010#/plate.exr").isSequence());
    CHECK(at("v@_a.####.exr", 7) == "v@_a.0007.exr");
    CHECK(at("a.%d.%04d.exr", 7) == "a.%d.0007.exr");
}

TEST_CASE("user text is never a format", "[sequence]") {
    for (const char* text : {"a.%s.exr", "a.%n.exr", "a.%x%p.exr", "50%.exr", "a.%", "%%.exr",
                             "a.%4d.exr", "a.%0d.exr", "a.%0999d.exr", "$FF.exr", "$.exr"}) {
        INFO(text);
        CHECK_FALSE(SequencePath::parse(text).isSequence());
        CHECK(at(text, 7) == text);
    }
    CHECK(at("/j/50%done/%s.%d.exr", 7) == "/j/50%done/%s.7.exr");
    CHECK(at("%s%n.####.exr", 7) == "%s%n.0007.exr");
    const std::string longRun = "a." + std::string(5000, '#') + ".exr";
    CHECK(at(longRun, 7) == longRun);
}

TEST_CASE("frames on disk are those the pattern would write", "[sequence]") {
    TemporaryFolder folder;
    const std::string base = folder.file("50%+[x]#/p.");
    for (const char* number : {"0001", "0010", "-005", "10000", "00002", "3", "00x1"})
        touch(base + number + ".exr");
    touch(folder.file("50%+[x]#/q.0001.exr"));
    CHECK(SequencePath::parse(base + "####.exr").existing() == std::vector<int>{-5, 1, 10, 10000});
    CHECK(SequencePath::parse(base + "@.exr").existing() == std::vector<int>{3, 10000});
    CHECK(SequencePath::parse(base + "%05d.exr").existing() == std::vector<int>{2, 10000});
    CHECK(SequencePath::parse(folder.file("nowhere/p.#.exr")).existing().empty());
    CHECK(SequencePath::parse(base + "0001.exr").existing().empty());
}

TEST_CASE("a folder with one sequence is that sequence", "[sequence]") {
    using Catch::Matchers::Contains;
    using derrumbe::Error;
    TemporaryFolder folder;
    const std::string golden = folder.file("gold_v2");
    for (const char* name : {"shot2_v01.0998.exr", "shot2_v01.0999.exr", "shot2_v01.1000.exr",
                             "notes.txt", ".hidden.0001.exr"})
        touch(golden + "/" + name);
    const SequencePath found = SequencePath::inFolder(golden);
    CHECK(found.isSequence());
    CHECK(found.existing() == std::vector<int>{998, 999, 1000});
    CHECK(found.file(1000) == golden + "/shot2_v01.1000.exr");

    const std::string numbers = folder.file("numbers");
    touch(numbers + "/99.png");
    touch(numbers + "/100.png");
    CHECK(SequencePath::inFolder(numbers).existing() == std::vector<int>{99, 100});
    CHECK(SequencePath::inFolder(numbers + "/").file(99) == numbers + "/99.png");

    const std::string single = folder.file("single");
    touch(single + "/plate.exr");
    CHECK_FALSE(SequencePath::inFolder(single).isSequence());
    CHECK(SequencePath::inFolder(single).file(7) == single + "/plate.exr");

    touch(golden + "/other.0998.exr");
    CHECK_THROWS_WITH(SequencePath::inFolder(golden),
                      Contains("more than one sequence") && Contains("other.#.exr"));
    std::filesystem::create_directories(folder.file("empty"));
    CHECK_THROWS_WITH(SequencePath::inFolder(folder.file("empty")), Contains("no pictures"));
    CHECK_THROWS_AS(SequencePath::inFolder(folder.file("none")), Error);
}
