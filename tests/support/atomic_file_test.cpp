#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "support/atomic_file.h"

using namespace derrumbe;
namespace fs = std::filesystem;

namespace {

struct TemporaryFolder {
    fs::path path;
    TemporaryFolder() {
        char name[] = "/tmp/derrumbe_test_XXXXXX";
        path = mkdtemp(name);
    }
    ~TemporaryFolder() { fs::remove_all(path); }
    size_t files() const {
        return std::distance(fs::directory_iterator(path), fs::directory_iterator());
    }
};

}  // namespace

TEST_CASE("a file appears whole and replaces the former one", "[atomic_file]") {
    TemporaryFolder folder;
    const fs::path file = folder.path / "a" / "b.txt";
    writeTextAtomically(file, "one");
    writeTextAtomically(file, "two");
    CHECK(readFile(file) == "two");
    CHECK(std::distance(fs::directory_iterator(file.parent_path()), fs::directory_iterator()) == 1);
}

TEST_CASE("a failing writer leaves the former file and no temporary", "[atomic_file]") {
    TemporaryFolder folder;
    const fs::path file = folder.path / "b.exr";
    writeTextAtomically(file, "finished");
    CHECK_THROWS_AS(writeAtomically(file,
                                    [](const fs::path& temporary) {
                                        CHECK(temporary.extension() == ".exr");
                                        std::ofstream(temporary) << "half";
                                        throw Error(ExitCode::Output, "disk full");
                                    }),
                    Error);
    CHECK(readFile(file) == "finished");
    CHECK(folder.files() == 1);
}

TEST_CASE("an impossible folder is an output error that names the file", "[atomic_file]") {
    TemporaryFolder folder;
    writeTextAtomically(folder.path / "file", "x");
    try {
        writeTextAtomically(folder.path / "file" / "below.txt", "y");
        FAIL("written below a file");
    } catch (const Error& error) {
        CHECK(error.code() == ExitCode::Output);
        CHECK(std::string(error.what()).find("below.txt") != std::string::npos);
    }
}

TEST_CASE("reading keeps to its limit and to the code asked for", "[atomic_file]") {
    TemporaryFolder folder;
    writeTextAtomically(folder.path / "big", std::string(100, 'x'));
    CHECK(readFile(folder.path / "big", ExitCode::Input, 100).size() == 100);
    CHECK_THROWS_AS(readFile(folder.path / "big", ExitCode::Input, 99), Error);
    try {
        readFile(folder.path / "absent", ExitCode::Model);
        FAIL("read an absent file");
    } catch (const Error& error) {
        CHECK(error.code() == ExitCode::Model);
    }
}
