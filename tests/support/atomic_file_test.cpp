#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

#include "support/atomic_file.h"
#include "support/partial_name.h"

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

TEST_CASE("writers of one file in one process do not meet", "[atomic_file]") {
    TemporaryFolder folder;
    const fs::path file = folder.path / "state.bin";
    std::vector<std::thread> writers;
    std::atomic<int> failures = 0;
    for (int writer = 0; writer < 4; ++writer)
        writers.emplace_back([&, writer] {
            try {
                for (int round = 0; round < 20; ++round)
                    writeTextAtomically(file, std::string(100000, static_cast<char>('a' + writer)));
            } catch (const Error&) {
                ++failures;
            }
        });
    for (std::thread& writer : writers) writer.join();
    CHECK(failures == 0);
    const std::string text = readFile(file);
    CHECK(text == std::string(100000, text.front()));
    CHECK(folder.files() == 1);
}

TEST_CASE("the temporary is new, and a secret is never readable by others", "[atomic_file]") {
    TemporaryFolder folder;
    const fs::path file = folder.path / "key.pem";
    const auto open = fs::perms::group_all | fs::perms::others_all;
    writeAtomically(
        file,
        [&](const fs::path& temporary) {
            CHECK(fs::file_size(temporary) == 0);
            CHECK(isPartialName(temporary.filename().string()));
            CHECK((fs::status(temporary).permissions() & open) == fs::perms::none);
            std::ofstream(temporary) << "secret";
        },
        0600);
    CHECK((fs::status(file).permissions() & open) == fs::perms::none);
}

TEST_CASE("what a killed process left goes, what is fresh or somebody else's stays",
          "[atomic_file]") {
    TemporaryFolder folder;
    const std::string stale = newPartialName("c.1001.exr"), fresh = newPartialName("c.1002.exr");
    const std::vector<std::string> others = {".notes.partial.exr", "c.1001.exr", ".c.12.partial",
                                             ".c.host-1-0123456789abcdex.partial.exr"};
    for (const std::string& name : others) CHECK_FALSE(isPartialName(name));
    CHECK(stale != newPartialName("c.1001.exr"));
    std::vector<std::string> all = others;
    all.insert(all.end(), {stale, fresh});
    for (const std::string& name : all) {
        std::ofstream(folder.path / name) << "x";
        if (name != fresh)
            fs::last_write_time(folder.path / name,
                                fs::file_time_type::clock::now() - std::chrono::hours(2));
    }
    CHECK(removeStalePartials(folder.path) == 1);
    CHECK_FALSE(fs::exists(folder.path / stale));
    CHECK(fs::exists(folder.path / fresh));
    CHECK(folder.files() == all.size() - 1);
    CHECK(removeStalePartials(folder.path / "absent") == 0);
}

TEST_CASE("a swap gives back what it took the place of", "[atomic_file]") {
    const TemporaryFolder folder;
    const fs::path file = folder.path / "sub" / "log.json";
    CHECK_FALSE(swapTextAtomically(file, "one"));
    const std::optional<std::string> before = swapTextAtomically(file, "two");
    // Nothing where the file system cannot exchange names.
    if (before) CHECK(*before == "one");
    CHECK(readFile(file) == "two");
    CHECK(std::distance(fs::directory_iterator(file.parent_path()), fs::directory_iterator()) == 1);
    fs::create_directories(folder.path / "taken" / "in the way");
    CHECK_THROWS_AS(swapTextAtomically(folder.path / "taken", "three"), Error);
    CHECK(fs::is_directory(folder.path / "taken" / "in the way"));
}
