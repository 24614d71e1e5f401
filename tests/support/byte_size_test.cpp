#include "support/byte_size.h"

#include <catch2/catch.hpp>

using namespace derrumbe;

TEST_CASE("sizes in bytes are read with their units", "[byte_size]") {
    CHECK(parseByteSize("12GiB") == std::uint64_t{12} << 30);
    CHECK(parseByteSize("1.5 GiB") == std::uint64_t{3} << 29);
    CHECK(parseByteSize("12gb") == 12'000'000'000u);
    CHECK(parseByteSize("900MiB") == 900u << 20);
    CHECK(parseByteSize("900M") == 900'000'000u);
    CHECK(parseByteSize("4Gi") == std::uint64_t{4} << 30);
    CHECK(parseByteSize("64KB") == 64'000u);
    CHECK(parseByteSize("2TiB") == std::uint64_t{2} << 40);
    CHECK(parseByteSize("123456") == 123456u);
    CHECK(parseByteSize("123456B") == 123456u);
    for (const char* wrong : {"", "GiB", "12 Gigs", "12GiBs", "-1GiB", "0", "0.1", "1e3", "nan",
                              "inf", "99999999TiB", "12iB", "12GiB x", "0x10", "+1"})
        CHECK_FALSE(parseByteSize(wrong));
}

TEST_CASE("sizes are told in GiB or MiB", "[byte_size]") {
    CHECK(byteSizeText(12.0 * (1 << 30)) == "12.0 GiB");
    CHECK(byteSizeText(500.0 * (1 << 20)) == "500.0 MiB");
}
