#include "support/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include "support/exchange.h"
#include "support/partial_name.h"
#include "support/strings.h"

namespace derrumbe {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void failOutput(const fs::path& path, const std::string& cause) {
    throw Error(ExitCode::Output,
                cat("cannot write ", path.string(), ": ", cause,
                    "; check the disk's free space and the folder's permissions"));
}

/// Data must be on the disk before the name is: after a power cut a rename may survive the data it
/// names.
void syncToDisk(const fs::path& temporary, const fs::path& path) {
    const int descriptor = ::open(temporary.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) failOutput(path, std::strerror(errno));
    const int result = ::fsync(descriptor);
    const int error = errno;
    ::close(descriptor);
    // Some network file systems cannot sync; there the rename is the best that can be had.
    if (result != 0 && error != EINVAL && error != ENOSYS) failOutput(path, std::strerror(error));
}

/// The name, too. The file is whole and there already, so a folder that cannot be synced (or not
/// be read) is no failure.
void syncFolder(const fs::path& folder) {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;
    ::fsync(descriptor);
    ::close(descriptor);
}

fs::path folderOf(const fs::path& path) {
    return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

/// A new, empty file beside `path` that nobody else has; folders are made.
fs::path createPartial(const fs::path& path, unsigned mode) {
    std::error_code error;
    const fs::path folder = folderOf(path);
    fs::create_directories(folder, error);
    if (error) failOutput(path, error.message());
    for (;;) {
        fs::path partial = folder / newPartialName(path);
        const int descriptor =
            ::open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode_t(mode));
        if (descriptor >= 0) {
            ::close(descriptor);
            return partial;
        }
        if (errno != EEXIST && errno != EINTR) failOutput(path, std::strerror(errno));
    }
}

}  // namespace

namespace {

void writeText(const fs::path& temporary, const fs::path& path, const std::string& text) {
    std::ofstream out(temporary, std::ios::binary);
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    out.close();
    if (!out) failOutput(path, std::strerror(errno));
}

/// A temporary that is written, comes to the disk, and then to its place.
void replaceBy(const fs::path& path, unsigned mode,
               const std::function<void(const fs::path&)>& write,
               const std::function<void(const fs::path&)>& place) {
    const fs::path temporary = createPartial(path, mode);
    try {
        write(temporary);
        syncToDisk(temporary, path);
        place(temporary);
    } catch (...) {
        std::error_code ignored;
        fs::remove(temporary, ignored);
        throw;
    }
    syncFolder(folderOf(path));
}

void renameTo(const fs::path& temporary, const fs::path& path) {
    std::error_code error;
    fs::rename(temporary, path, error);
    if (error) failOutput(path, error.message());
}

}  // namespace

void writeAtomically(const fs::path& path, const std::function<void(const fs::path&)>& write,
                     unsigned mode) {
    replaceBy(path, mode, write, [&](const fs::path& temporary) { renameTo(temporary, path); });
}

void writeTextAtomically(const fs::path& path, const std::string& text, unsigned mode) {
    writeAtomically(
        path, [&](const fs::path& temporary) { writeText(temporary, path, text); }, mode);
}

std::optional<std::string> swapTextAtomically(const fs::path& path, const std::string& text) {
    std::optional<std::string> before;
    replaceBy(
        path, 0666, [&](const fs::path& temporary) { writeText(temporary, path, text); },
        [&](const fs::path& temporary) {
            std::error_code unknown;
            if (!fs::is_regular_file(fs::symlink_status(path, unknown)) ||
                !exchangeNames(temporary, path))
                return renameTo(temporary, path);
            before = readFile(temporary, ExitCode::Output);
            fs::remove(temporary);
        });
    return before;
}

void ensureWritable(const fs::path& folder) {
    const fs::path probe = createPartial(folder / "writable", 0666);
    std::error_code ignored;
    fs::remove(probe, ignored);
}

int removeStalePartials(const fs::path& folder, std::chrono::seconds age) {
    int removed = 0;
    std::error_code error;
    const auto oldest = fs::file_time_type::clock::now() - age;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
        std::error_code unknown;
        if (!isPartialName(it->path().filename().string()) ||
            !fs::is_regular_file(it->symlink_status(unknown)))
            continue;
        const auto written = it->last_write_time(unknown);
        if (!unknown && written < oldest && fs::remove(it->path(), unknown)) ++removed;
    }
    return removed;
}

std::string readFile(const fs::path& path, ExitCode code, size_t limit) {
    std::error_code error;
    if (fs::is_directory(path, error))
        throw Error(code, cat("cannot read ", path.string(), ": it is a folder"));
    const fs::file_type type = fs::status(path, error).type();
    if (code == ExitCode::Model && (type == fs::file_type::fifo || type == fs::file_type::socket))
        throw Error(code, cat("cannot read ", path.string(), ": it is not a plain file"));
    std::ifstream in(path, std::ios::binary);
    if (!in) throw Error(code, cat("cannot read ", path.string(), ": ", std::strerror(errno)));
    std::string text;
    char buffer[1 << 16];
    while (in.read(buffer, sizeof buffer) || in.gcount() > 0) {
        text.append(buffer, static_cast<size_t>(in.gcount()));
        if (text.size() > limit)
            throw Error(
                code, cat("cannot read ", path.string(), ": it is larger than ", limit, " bytes"));
    }
    if (in.bad()) throw Error(code, cat("cannot read ", path.string(), ": ", std::strerror(errno)));
    return text;
}

}  // namespace derrumbe
