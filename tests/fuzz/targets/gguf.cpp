#include "model/weights/gguf.h"

#include "../check.h"
#include "../targets.h"

namespace derrumbe::fuzz {

void gguf(const std::string& bytes) {
    const std::filesystem::path path = scratch() / "x.gguf";
    writeScratch(path, bytes);
    accepted(ExitCode::Model, [&] {
        const auto source = model::openGguf(path);
        for (const auto& [name, info] : source->tensors()) {
            const at::Tensor tensor = source->read(name).clone();
            expect(tensor.sizes().vec() == info.shape, "a tensor has the shape of its header");
        }
    });
}

}  // namespace derrumbe::fuzz
