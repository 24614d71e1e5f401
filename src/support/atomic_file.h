#pragma once
#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "support/error.h"

namespace derrumbe {

/// Writes a file so that it exists under its name only when it is whole: `write` gets the path of a
/// new, empty file in the same folder (same extension, so that format plug-ins recognise it) that
/// no other process or machine has, the file is then synced and renamed, and the folder is synced.
/// The temporary is removed on failure. Folders are made. Throws Error(Output) naming the file and
/// the cause.
/// @param mode permissions of a new file, less the process's umask
void writeAtomically(const std::filesystem::path& path,
                     const std::function<void(const std::filesystem::path&)>& write,
                     unsigned mode = 0666);

/// The same for text that is in memory.
void writeTextAtomically(const std::filesystem::path& path, const std::string& text,
                         unsigned mode = 0666);

/// The same, where others may write that file too: gives back the text that it took the place of,
/// so that none is lost unseen. Nothing where no file was there, or where the file system cannot
/// exchange names (then a file that another process wrote a moment before is replaced unseen).
std::optional<std::string> swapTextAtomically(const std::filesystem::path& path,
                                              const std::string& text);

/// Makes the folder and a file in it that is removed at once, so that a render which cannot deliver
/// says so before it computes. Throws Error(Output).
void ensureWritable(const std::filesystem::path& folder);

/// Removes the temporaries of writeAtomically that nobody wrote to for `age`: what killed processes
/// left. Other files are not touched. Returns how many there were.
int removeStalePartials(const std::filesystem::path& folder,
                        std::chrono::seconds age = std::chrono::hours(1));

/// Whole file as bytes; throws Error(code) naming the file where it cannot be read or is above
/// `limit` bytes. A pipe is read too (a shot may come from `<(...)`), but not from a model's folder
/// (`code` Model): one that somebody put there would be waited for.
std::string readFile(const std::filesystem::path& path, ExitCode code = ExitCode::Input,
                     size_t limit = size_t{1} << 30);

}  // namespace derrumbe
