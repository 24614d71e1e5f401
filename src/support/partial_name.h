#pragma once
#include <filesystem>
#include <string>

namespace derrumbe {

/// A name for a file that is being written: `.STEM.HOST-PID-RANDOM.partial.EXT`. Host and process
/// say to people whose it is, 64 random bits keep those apart that have both in common (threads,
/// containers, machines that share a name on a shared disk).
std::string newPartialName(const std::filesystem::path& path);

/// True for the names that newPartialName makes.
bool isPartialName(const std::string& name);

}  // namespace derrumbe
