#include "support/reading_speed.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "support/folders.h"

using namespace derrumbe;

TEST_CASE("a file's share in memory is seen, and what is not is read and dropped again",
          "[reading]") {
    const TemporaryFolder folder("reading");
    const auto path = folder.path() / "x";
    constexpr int bytes = 8 << 20;
    std::ofstream(path, std::ios::binary) << std::string(bytes, 'x');
    CHECK(cachedShare(path) == 1);
    CHECK(uncachedSpeed(path) == 0);

    const int file = ::open(path.c_str(), O_RDONLY);
    REQUIRE(file >= 0);
    CHECK(::fsync(file) == 0);
    CHECK(::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) == 0);
    ::close(file);
    // A folder that is memory itself drops nothing.
    if (cachedShare(path) < 1) {
        CHECK(cachedShare(path) == 0);
        CHECK(uncachedSpeed(path) > 1e5);
        CHECK(cachedShare(path) == 0);
    }
}

TEST_CASE("what cannot be read takes no time", "[reading]") {
    CHECK(cachedShare("/no/such/file") == 1);
    CHECK(uncachedSpeed("/no/such/file") == 0);
    const TemporaryFolder folder("reading");
    std::ofstream(folder.path() / "empty");
    CHECK(cachedShare(folder.path() / "empty") == 1);
    CHECK(uncachedSpeed(folder.path() / "empty") == 0);
}
