#include "support/folders.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "support/error.h"

using namespace derrumbe;
namespace fs = std::filesystem;

TEST_CASE("a temporary folder is gone with all that is in it", "[folders]") {
    fs::path path;
    {
        const TemporaryFolder folder("test");
        path = folder.path();
        fs::create_directories(path / "a" / "b");
        std::ofstream(path / "a" / "file") << "text";
        CHECK(path.filename().string().starts_with("derrumbe_test_"));
    }
    CHECK_FALSE(fs::exists(path));
}

TEST_CASE("a folder takes another's place whole", "[folders]") {
    const TemporaryFolder folder("test");
    const fs::path made = folder.path() / "made", at = folder.path() / "at";
    for (const char* content : {"first", "second"}) {
        fs::create_directory(made);
        std::ofstream(made / content) << content;
        replaceFolder(made, at);
        CHECK(fs::exists(at / content));
        CHECK_FALSE(fs::exists(made));
        CHECK(std::distance(fs::directory_iterator(at), fs::directory_iterator()) == 1);
    }
    CHECK(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()) == 1);
    CHECK_THROWS_AS(replaceFolder(folder.path() / "none", folder.path() / "there"), Error);
    CHECK_THROWS_AS(replaceFolder(folder.path() / "none", at), Error);
    CHECK(fs::exists(at / "second"));
}
