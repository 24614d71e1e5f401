#pragma once
#include <filesystem>

namespace derrumbe {

/// Gives two files or folders that are there each other's name, in one step of the file system.
/// False, and nothing happened, where it cannot do that (many network file systems). Throws
/// Error(Output) for what else it says, as of a name that is not there.
bool exchangeNames(const std::filesystem::path& a, const std::filesystem::path& b);

}  // namespace derrumbe
