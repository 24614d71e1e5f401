#include "model/weights/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "support/error.h"

namespace derrumbe::model {

MappedFile::MappedFile(const std::filesystem::path& file) {
    // O_NONBLOCK: opening a pipe somebody put there must not wait for a writer.
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        throw Error(ExitCode::Model, std::string("cannot be opened: ") + std::strerror(errno),
                    {file.string()});
    struct stat about {};
    if (::fstat(descriptor, &about) != 0 || !S_ISREG(about.st_mode)) {
        ::close(descriptor);
        throw Error(ExitCode::Model, "not a plain file", {file.string()});
    }
    size_ = static_cast<size_t>(about.st_size);
    if (size_ > 0) {
        void* memory = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (memory == MAP_FAILED) {
            const int code = errno;
            ::close(descriptor);
            throw Error(code == ENOMEM ? ExitCode::Memory : ExitCode::Model,
                        std::string("cannot be mapped: ") + std::strerror(code), {file.string()});
        }
        data_ = static_cast<const std::byte*>(memory);
    }
    ::close(descriptor);
}

void MappedFile::forget(const std::byte* data, size_t bytes) const {
    // Whole pages: what a neighbour has on the first and the last one comes back by itself.
    const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    const auto offset = static_cast<size_t>(data - data_);
    const size_t begin = offset / page * page, end = offset + bytes;
    ::madvise(const_cast<std::byte*>(data_) + begin, end - begin, MADV_DONTNEED);
}

MappedFile::~MappedFile() {
    if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

}  // namespace derrumbe::model
