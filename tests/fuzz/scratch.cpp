#include <fstream>

#include "check.h"
#include "support/folders.h"

namespace derrumbe::fuzz {

namespace fs = std::filesystem;

const fs::path& scratch() {
    static const TemporaryFolder folder("fuzz");
    return folder.path();
}

void writeScratch(const fs::path& file, const std::string& bytes) {
    std::ofstream out(file, std::ios::binary);
    if (!out) {
        fs::create_directories(file.parent_path());
        out.open(file, std::ios::binary);
    }
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    out.close();
    if (!out) throw std::runtime_error("cannot write " + file.string());
}

}  // namespace derrumbe::fuzz
