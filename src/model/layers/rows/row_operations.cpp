#include "model/layers/rows/row_operations.h"

#include "model/layers/rows/card_operations.h"
#include "model/layers/rows/processor_loops.h"
#include "support/error.h"

namespace derrumbe::model::rows {

namespace {

const float* floats(const at::Tensor& vector, const at::Tensor& x) {
    if (vector.scalar_type() != at::kFloat || !vector.is_contiguous() ||
        vector.numel() != x.size(2) || !vector.is_cpu())
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
                     double eps) {
    if (x.is_cuda()) return card::layerNorm(x, weight, bias, eps);
    const at::Tensor y = at::empty(x.sizes(), x.options()), scale = orFull(weight, x, 1),
                     shift = orFull(bias, x, 0);
    processor::layerNorm(rowsOf(x), rowsOf(y), floats(scale, x), floats(shift, x),
                         static_cast<float>(eps));
    return y;
}

at::Tensor rmsRotate(const at::Tensor& x, const at::Tensor& gain, const at::Tensor& table,
                     int64_t heads, double eps) {
    if (x.is_cuda()) return card::rmsRotate(x, gain, table, heads, eps);
    const int64_t headSize = x.size(2) / heads;
    if (table.scalar_type() != at::kComplexFloat || !table.is_contiguous() ||
        table.size(0) != x.size(1) || table.size(1) != headSize / 2)
        throw Error(ExitCode::Internal, "a rotary table does not fit its rows");
    const at::Tensor y = at::empty(x.sizes(), x.options());
    processor::rmsRotate(rowsOf(x), rowsOf(y), floats(gain, x),
                         static_cast<const float*>(table.const_data_ptr()), headSize,
                         static_cast<float>(eps));
    return y.view({x.size(0), x.size(1), heads, headSize});
}

void rmsNormalise(const at::Tensor& x, double eps) {
    if (x.is_cuda()) return card::rmsNormalise(x, eps);
    processor::rmsNormalise(rowsOf(x), static_cast<float>(eps));
}

void addGated(const at::Tensor& x, const at::Tensor& y, const at::Tensor& gate) {
    if (x.is_cuda()) return card::addGated(x, y, gate);
    const at::Tensor added = y.contiguous();
    if (added.sizes() != x.sizes() || added.scalar_type() != x.scalar_type())
        throw Error(ExitCode::Internal, "what is added to rows does not fit them");
    processor::addGated(rowsOf(x), rowsOf(added), floats(gate, x));
}

}  // namespace derrumbe::model::rows
