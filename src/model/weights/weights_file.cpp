#include "model/weights/weights_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "model/weights/gguf.h"
#include "model/weights/safetensors.h"
#include "model/weights/safetensors_header.h"

namespace derrumbe::model {

namespace {

/// The first bytes of a plain file, and its size; nothing of anything else.
std::string beginning(const std::filesystem::path& file, uint64_t& size) {
    // O_NONBLOCK: a pipe that somebody put there must not be waited for.
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) return "";
    std::string bytes(16, '\0');
    struct stat about {};
    ssize_t count = 0;
    if (::fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode)) {
        size = static_cast<uint64_t>(about.st_size);
        count = ::pread(descriptor, bytes.data(), bytes.size(), 0);
    }
    ::close(descriptor);
    bytes.resize(count < 0 ? 0 : static_cast<size_t>(count));
    return bytes;
}

}  // namespace

FileKind fileKind(const std::filesystem::path& file) {
    uint64_t size = 0;
    const std::string bytes = beginning(file, size);
    if (bytes.size() < 9) return FileKind::Other;
    if (bytes.compare(0, 4, "GGUF") == 0) return FileKind::Gguf;
    if (bytes.compare(0, 4, "PK\3\4") == 0) return FileKind::Pickle;
    // The opcode PROTO and its version (python/cpython:Lib/pickle.py).
    if (bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5) return FileKind::Pickle;
    uint64_t length = 0;
    std::memcpy(&length, bytes.data(), 8);
    const bool header = length <= size - 8 && length <= kLongestSafetensorsHeader;
    return header && bytes[8] == '{' ? FileKind::Safetensors : FileKind::Other;
}

const char* pickleRefusal() {
    return "a pickle (torch.save), which can run code and is never opened: convert it with "
           "scripts/pth_to_safetensors.py, or use a .safetensors or GGUF release of it";
}

std::unique_ptr<TensorSource> openWeights(const std::filesystem::path& file) {
    if (file.extension() == ".json") return openSafetensors(file);
    switch (fileKind(file)) {
        case FileKind::Gguf:
            return openGguf(file);
        case FileKind::Pickle:
            throw Error(ExitCode::Model, pickleRefusal(), {file.string()});
        default:
            return openSafetensors(file);
    }
}

}  // namespace derrumbe::model
