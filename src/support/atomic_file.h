#pragma once
#include <filesystem>
#include <functional>
#include <string>

#include "support/error.h"

namespace derrumbe {

/// Writes a file so that it exists under its name only when it is whole: `write` gets a temporary
/// path in the same folder (same extension, so that format plug-ins recognise it), the file is then
/// synced and renamed. The temporary is removed on failure. Folders are made. Throws Error(Output)
/// naming the file and the cause.
void writeAtomically(const std::filesystem::path& path,
                     const std::function<void(const std::filesystem::path&)>& write);

/// The same for text that is in memory.
void writeTextAtomically(const std::filesystem::path& path, const std::string& text);

/// Makes the folder and a file in it that is removed at once, so that a render which cannot deliver
/// says so before it computes. Throws Error(Output).
void ensureWritable(const std::filesystem::path& folder);

/// Whole file as bytes; throws Error(code) naming the file where it cannot be read or is above
/// `limit` bytes.
std::string readFile(const std::filesystem::path& path, ExitCode code = ExitCode::Input,
                     size_t limit = size_t{1} << 30);

}  // namespace derrumbe
