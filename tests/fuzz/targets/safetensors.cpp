#include "model/weights/safetensors.h"

#include <cstring>

#include "../check.h"
#include "../targets.h"
#include "model/weights/safetensors_header.h"

namespace derrumbe::fuzz {

namespace {

/// The file that `bytes` stand for; empty where its header alone is refused already.
std::string fileOf(const std::string& bytes) {
    if (bytes.empty() || bytes[0] == 'f' || bytes.size() < 3)
        return bytes.substr(std::min<size_t>(bytes.size(), 1));
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
    const size_t data = byte(1) + 256u * byte(2);
    const std::string header = bytes.substr(3);
    if (!accepted(ExitCode::Model, [&] { model::parseSafetensorsHeader(header, data, "x"); }))
        return "";
    const uint64_t length = header.size();
    std::string file(8, '\0');
    std::memcpy(file.data(), &length, 8);
    return file + header + std::string(data, 'x');
}

}  // namespace

void safetensors(const std::string& bytes) {
    const std::filesystem::path path = scratch() / "x.safetensors";
    const std::string file = fileOf(bytes);
    if (file.empty()) return;
    writeScratch(path, file);
    accepted(ExitCode::Model, [&] {
        const auto source = model::openSafetensors(path);
        size_t total = 0;
        for (const auto& [name, info] : source->tensors()) {
            const at::Tensor tensor = source->read(name);
            expect(tensor.sizes().vec() == info.shape, "a tensor has the shape of its header");
            // Every byte, so that one outside the file is found.
            const at::Tensor own = tensor.clone();
            total += own.nbytes();
        }
        uint64_t header = 0;
        std::memcpy(&header, file.data(), 8);
        expect(8 + header + total == file.size(), "header and tensors are the whole file");
    });
}

}  // namespace derrumbe::fuzz
