#include "support/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

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

}  // namespace

void writeAtomically(const fs::path& path, const std::function<void(const fs::path&)>& write) {
    std::error_code error;
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    fs::create_directories(folder, error);
    if (error) failOutput(path, error.message());
    const fs::path temporary = folder / cat(".", path.stem().string(), ".", ::getpid(), ".partial",
                                            path.extension().string());
    try {
        write(temporary);
        syncToDisk(temporary, path);
        fs::rename(temporary, path, error);
        if (error) failOutput(path, error.message());
    } catch (...) {
        std::error_code ignored;
        fs::remove(temporary, ignored);
        throw;
    }
}

void writeTextAtomically(const fs::path& path, const std::string& text) {
    writeAtomically(path, [&](const fs::path& temporary) {
        std::ofstream out(temporary, std::ios::binary);
        out.write(text.data(), static_cast<std::streamsize>(text.size()));
        out.close();
        if (!out) failOutput(path, std::strerror(errno));
    });
}

void ensureWritable(const fs::path& folder) {
    const fs::path probe = folder / cat(".", ::getpid(), ".writable");
    writeTextAtomically(probe, "");
    std::error_code ignored;
    fs::remove(probe, ignored);
}

std::string readFile(const fs::path& path, ExitCode code, size_t limit) {
    std::error_code error;
    if (fs::is_directory(path, error))
        throw Error(code, cat("cannot read ", path.string(), ": it is a folder"));
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
