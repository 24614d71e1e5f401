#include "model/weights/mapped_tensor.h"

#include <cstring>

namespace derrumbe::model {

at::Tensor mappedTensor(const std::shared_ptr<MappedFile>& file, uint64_t offset,
                        at::ScalarType type, at::IntArrayRef shape) {
    for (const int64_t size : shape)
        if (size == 0) return at::empty(shape, type);
    const std::byte* data = file->data() + offset;
    const bool aligned = reinterpret_cast<uintptr_t>(data) % c10::elementSize(type) == 0;
    if (type == at::kBool || !aligned) {
        const at::Tensor copy = at::empty(shape, type == at::kBool ? at::kByte : type);
        std::memcpy(copy.mutable_data_ptr(), data, copy.nbytes());
        file->forget(data, copy.nbytes());
        return type == at::kBool ? copy.ne(0) : copy;
    }
    size_t bytes = c10::elementSize(type);
    for (const int64_t size : shape) bytes *= static_cast<size_t>(size);
    return at::from_blob(
        const_cast<std::byte*>(data), shape,
        [file, data, bytes](void*) { file->forget(data, bytes); }, at::TensorOptions(type));
}

}  // namespace derrumbe::model
