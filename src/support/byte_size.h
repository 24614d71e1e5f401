#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace derrumbe {

/// Bytes of "12GiB", "1.5 GB", "900MiB", "123456" (plain bytes): KiB, MiB, GiB, TiB count by 1024,
/// kB, KB, MB, GB, TB by 1000, in upper or lower case, the B may be left out. Nothing for any other
/// text, and for 0 and what 64 bits cannot hold.
std::optional<std::uint64_t> parseByteSize(std::string_view text);

/// For people: "12.3 GiB" from a gigabyte up, else "456.7 MiB".
std::string byteSizeText(double bytes);

}  // namespace derrumbe
