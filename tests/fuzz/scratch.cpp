#include <stdlib.h>

#include <fstream>

#include "check.h"

namespace derrumbe::fuzz {

namespace fs = std::filesystem;

namespace {

struct Folder {
    fs::path path;
    Folder() {
        std::string name = (fs::temp_directory_path() / "derrumbe_fuzz_XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr)
            throw std::runtime_error("no folder can be made in " + name);
        path = name;
    }
    ~Folder() {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
};

}  // namespace

const fs::path& scratch() {
    static const Folder folder;
    return folder.path;
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
