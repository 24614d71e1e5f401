#pragma once
#include <filesystem>

namespace derrumbe {

/// The share of a file that lies in memory already, 0..1, by looking at 64 places spread over it. 1
/// where the system does not say, and for an empty file.
double cachedShare(const std::filesystem::path& file);

/// Bytes per second at which the rest of the file comes from where it lies: the first piece that is
/// not in memory is read, of at most 64 MiB, and dropped again, so that the next call finds the
/// same. 0 where all of it is in memory, or it cannot be read.
double uncachedSpeed(const std::filesystem::path& file);

}  // namespace derrumbe
