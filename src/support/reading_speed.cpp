#include "support/reading_speed.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <vector>

namespace derrumbe {

namespace {

constexpr int kPlaces = 64;
constexpr off_t kMost = off_t{64} << 20, kAtOnce = off_t{4} << 20;

class OpenFile {
  public:
    explicit OpenFile(const std::filesystem::path& file)
        : descriptor_(::open(file.c_str(), O_RDONLY | O_CLOEXEC)) {
        const off_t end = descriptor_ < 0 ? 0 : ::lseek(descriptor_, 0, SEEK_END);
        size_ = std::max<off_t>(end, 0);
    }
    ~OpenFile() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;

    off_t size() const { return size_; }
    off_t place(int index) const { return size_ / kPlaces * index; }

    /// Whether the byte would have to be waited for.
    bool isUncached(off_t at) const {
        char byte = 0;
        const iovec one{&byte, 1};
        const bool waits = ::preadv2(descriptor_, &one, 1, at, RWF_NOWAIT) < 0 && errno == EAGAIN;
        // Asking may have begun to bring it in.
        if (waits) drop(at, std::min(kAtOnce, size_ / kPlaces));
        return waits;
    }

    /// Reads to `end`; how many bytes came.
    off_t read(off_t begin, off_t end) const {
        std::vector<char> buffer(kAtOnce);
        off_t at = begin;
        while (at < end) {
            const auto length = static_cast<size_t>(std::min(end - at, kAtOnce));
            const ssize_t got = ::pread(descriptor_, buffer.data(), length, at);
            if (got <= 0) break;
            at += got;
        }
        return at - begin;
    }

    void drop(off_t begin, off_t length) const {
        ::posix_fadvise(descriptor_, begin, length, POSIX_FADV_DONTNEED);
    }

  private:
    int descriptor_;
    off_t size_ = 0;
};

}  // namespace

double cachedShare(const std::filesystem::path& file) {
    const OpenFile open(file);
    if (open.size() == 0) return 1;
    int cached = 0;
    for (int i = 0; i < kPlaces; ++i) cached += open.isUncached(open.place(i)) ? 0 : 1;
    return static_cast<double>(cached) / kPlaces;
}

double uncachedSpeed(const std::filesystem::path& file) {
    const OpenFile open(file);
    for (int i = 0; i < kPlaces && open.size() > 0; ++i) {
        const off_t begin = open.place(i);
        if (!open.isUncached(begin)) continue;
        const auto start = std::chrono::steady_clock::now();
        const off_t got = open.read(begin, std::min(begin + kMost, open.size()));
        const double seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        open.drop(begin, got);
        return static_cast<double>(got) / seconds;
    }
    return 0;
}

}  // namespace derrumbe
