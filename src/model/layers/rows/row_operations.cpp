#include "model/layers/rows/row_operations.h"

#include "model/layers/rows/card_kernels.h"
#include "model/layers/rows/card_operations.h"
#include "model/layers/rows/processor_loops.h"
#include "support/error.h"

namespace derrumbe::model::rows {

namespace {

/// Numbers beside the rows, where those lie; kernels read 16 bytes at once.
bool fits(const at::Tensor& numbers, at::ScalarType type, const at::Tensor& x) {
    return numbers.scalar_type() == type && numbers.is_contiguous() &&
           numbers.device() == x.device() &&
           (x.is_cpu() || reinterpret_cast<std::uintptr_t>(numbers.const_data_ptr()) % 16 == 0);
}

/// One number a channel; null where there are none.
const float* floats(const at::Tensor& vector, const at::Tensor& x) {
    if (!vector.defined()) return nullptr;
    if (!fits(vector, at::kFloat, x) || vector.numel() != x.size(2))
        throw Error(ExitCode::Internal, "a norm's weight does not fit its rows");
    return vector.const_data_ptr<float>();
}

at::Tensor orFull(const at::Tensor& vector, const at::Tensor& x, double value) {
    return vector.defined() ? vector : at::full({x.size(2)}, value, at::kFloat);
}

}  // namespace

Rows rowsOf(const at::Tensor& x) {
    const at::ScalarType type = x.scalar_type();
    return {.data = const_cast<void*>(x.const_data_ptr()),
            .batches = x.size(0),
            .length = x.size(1),
            .width = x.size(2),
            .batchStride = x.stride(0),
            .number = type == at::kFloat  ? Number::Float
                      : type == at::kHalf ? Number::Half
                                          : Number::BFloat16};
}

bool able(const at::Tensor& x) {
    if (x.is_cuda()) return card::able(x);
    return x.is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) &&
           x.dim() == 3 && x.numel() > 0 && x.stride(2) == 1 && x.stride(1) == x.size(2);
}

bool ableToRotate(const at::Tensor& x, int64_t heads) {
    if (x.is_cuda()) return card::ableToRotate(x, heads);
    return able(x) && x.size(2) % (2 * heads) == 0;
}

at::Tensor layerNorm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                     double epsilon) {
    const at::Tensor y = at::empty(x.sizes(), x.options());
    const auto eps = static_cast<float>(epsilon);
    if (x.is_cuda()) {
        card::launch(x, [&](void* stream) {
            card::layerNorm(rowsOf(x), rowsOf(y), floats(weight, x), floats(bias, x), eps, stream);
        });
    } else {
        const at::Tensor scale = orFull(weight, x, 1), shift = orFull(bias, x, 0);
        processor::layerNorm(rowsOf(x), rowsOf(y), floats(scale, x), floats(shift, x), eps);
    }
    return y;
}

at::Tensor rmsRotate(const at::Tensor& x, const at::Tensor& gain, const at::Tensor& table,
                     int64_t heads, double epsilon) {
    const int64_t headSize = x.size(2) / heads;
    if (!fits(table, at::kComplexFloat, x) || table.size(0) != x.size(1) ||
        table.size(1) != headSize / 2)
        throw Error(ExitCode::Internal, "a rotary table does not fit its rows");
    const at::Tensor y = at::empty(x.sizes(), x.options());
    const auto* turns = static_cast<const float*>(table.const_data_ptr());
    const auto eps = static_cast<float>(epsilon);
    if (x.is_cuda())
        card::launch(x, [&](void* stream) {
            card::rmsRotate(rowsOf(x), rowsOf(y), floats(gain, x), turns, headSize, eps, stream);
        });
    else
        processor::rmsRotate(rowsOf(x), rowsOf(y), floats(gain, x), turns, headSize, eps);
    return y.view({x.size(0), x.size(1), heads, headSize});
}

void rmsNormalise(const at::Tensor& x, double epsilon) {
    const auto eps = static_cast<float>(epsilon);
    if (x.is_cuda())
        card::launch(x, [&](void* stream) {
            card::rmsRotate(rowsOf(x), rowsOf(x), nullptr, nullptr, x.size(2), eps, stream);
        });
    else
        processor::rmsNormalise(rowsOf(x), eps);
}

void addGated(const at::Tensor& x, const at::Tensor& y, const at::Tensor& gate) {
    const at::Tensor added = y.contiguous();
    if (added.sizes() != x.sizes() || added.scalar_type() != x.scalar_type())
        throw Error(ExitCode::Internal, "what is added to rows does not fit them");
    if (x.is_cuda())
        card::launch(x, [&](void* stream) {
            card::addGated(rowsOf(x), rowsOf(added), floats(gate, x), stream);
        });
    else
        processor::addGated(rowsOf(x), rowsOf(added), floats(gate, x));
}

}  // namespace derrumbe::model::rows
