#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "model/weights/dtypes.h"
#include "model/weights/safetensors.h"
#include "support/atomic_file.h"
#include "support/log.h"
#include "support/strings.h"

namespace derrumbe::model {

void writeSafetensors(const std::filesystem::path& path,
                      const std::map<std::string, at::Tensor>& tensors,
                      const std::map<std::string, std::string>& metadata) {
    std::vector<std::pair<std::string, at::Tensor>> items(tensors.begin(), tensors.end());
    std::stable_sort(items.begin(), items.end(), [](const auto& a, const auto& b) {
        return a.second.element_size() > b.second.element_size();
    });
    std::string header = "{\"__metadata__\":{\"format\":\"pt\"";
    for (const auto& [key, value] : metadata)
        if (key != "format") header += cat(",", jsonQuote(key), ":", jsonQuote(value));
    header += "}";
    uint64_t offset = 0;
    for (const auto& [name, tensor] : items) {
        std::string shape;
        for (const int64_t size : tensor.sizes()) shape += cat(shape.empty() ? "" : ",", size);
        const uint64_t end = offset + tensor.nbytes();
        header += cat(",", jsonQuote(name), ":{\"dtype\":\"", dtypeName(tensor.scalar_type()),
                      "\",\"shape\":[", shape, "],\"data_offsets\":[", offset, ",", end, "]}");
        offset = end;
    }
    header += "}";
    header.append((8 - header.size() % 8) % 8, ' ');

    writeAtomically(path, [&](const std::filesystem::path& temporary) {
        std::ofstream out(temporary, std::ios::binary);
        const uint64_t length = header.size();
        out.write(reinterpret_cast<const char*>(&length), 8);
        out.write(header.data(), static_cast<std::streamsize>(header.size()));
        for (const auto& item : items) {
            // One tensor at a time on the CPU, so that memory holds no second copy of the whole.
            const at::Tensor plain = item.second.detach().to(at::kCPU).contiguous();
            out.write(static_cast<const char*>(plain.const_data_ptr()),
                      static_cast<std::streamsize>(plain.nbytes()));
        }
        out.close();
        if (!out)
            throw Error(ExitCode::Output, std::string("cannot be written: ") + std::strerror(errno),
                        {path.string()});
    });
}

}  // namespace derrumbe::model
