#include "model/layers/rows/card_operations.h"

#include "support/error.h"

#ifdef DERRUMBE_CARD_KERNELS
#include <c10/core/DeviceGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "model/layers/rows/card_kernels.h"
#include "model/layers/rows/row_operations.h"
#endif

namespace derrumbe::model::rows::card {

#ifdef DERRUMBE_CARD_KERNELS

namespace {

bool aligned(const at::Tensor& x) {
    return reinterpret_cast<std::uintptr_t>(x.const_data_ptr()) % 16 == 0;
}

/// A vector of float32 for the kernels; null where it is undefined.
const float* floats(const at::Tensor& vector, const at::Tensor& x) {
    if (!vector.defined()) return nullptr;
    if (vector.scalar_type() != at::kFloat || !vector.is_contiguous() ||
        vector.numel() != x.size(2) || vector.device() != x.device() || !aligned(vector))
        throw Error(ExitCode::Internal, "a norm's weight does not fit its rows");
    return vector.const_data_ptr<float>();
}

void* streamOf(const at::Tensor& x) {
    return c10::cuda::getCurrentCUDAStream(x.device().index()).stream();
}

}  // namespace

bool able(const at::Tensor& x) {
    const at::ScalarType type = x.scalar_type();
    return x.is_cuda() && x.dim() == 3 && x.numel() > 0 &&
           (type == at::kFloat || type == at::kHalf || type == at::kBFloat16) && x.stride(2) == 1 &&
           x.stride(1) == x.size(2) && x.stride(0) % kVector == 0 && x.size(2) % kVector == 0 &&
           x.size(2) <= kWidest && aligned(x);
}

bool ableToRotate(const at::Tensor& x, int64_t heads) {
    return able(x) && x.size(2) % (heads * kVector) == 0;
}

at::Tensor layerNorm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                     double eps) {
    const c10::DeviceGuard guard(x.device());
    at::Tensor y = at::empty(x.sizes(), x.options());
    layerNorm(rowsOf(x), rowsOf(y), floats(weight, x), floats(bias, x), static_cast<float>(eps),
              streamOf(x));
    return y;
}

at::Tensor rmsRotate(const at::Tensor& x, const at::Tensor& gain, const at::Tensor& table,
                     int64_t heads, double eps) {
    const int64_t headSize = x.size(2) / heads;
    if (table.scalar_type() != at::kComplexFloat || !table.is_contiguous() ||
        table.size(0) != x.size(1) || table.size(1) != headSize / 2 || !aligned(table))
        throw Error(ExitCode::Internal, "a rotary table does not fit its rows");
    const c10::DeviceGuard guard(x.device());
    at::Tensor y = at::empty(x.sizes(), x.options());
    rmsRotate(rowsOf(x), rowsOf(y), floats(gain, x),
              static_cast<const float*>(table.const_data_ptr()), headSize, static_cast<float>(eps),
              streamOf(x));
    return y.view({x.size(0), x.size(1), heads, headSize});
}

void rmsNormalise(const at::Tensor& x, double eps) {
    const c10::DeviceGuard guard(x.device());
    rmsRotate(rowsOf(x), rowsOf(x), nullptr, nullptr, x.size(2), static_cast<float>(eps),
              streamOf(x));
}

void addGated(const at::Tensor& x, const at::Tensor& y, const at::Tensor& gate) {
    const at::Tensor added = y.contiguous();
    if (added.sizes() != x.sizes() || added.scalar_type() != x.scalar_type())
        throw Error(ExitCode::Internal, "what is added to rows does not fit them");
    const c10::DeviceGuard guard(x.device());
    addGated(rowsOf(x), rowsOf(added), floats(gate, x), streamOf(x));
}

ByteRows fp8Rows(const at::Tensor& x) {
    const c10::DeviceGuard guard(x.device());
    const int64_t rows = x.size(0) * x.size(1);
    at::Tensor numbers = at::empty({rows, x.size(2)}, x.options().dtype(at::kFloat8_e4m3fn)),
               factors = at::empty({rows, 1}, x.options().dtype(at::kFloat));
    fp8Rows(rowsOf(x), numbers.mutable_data_ptr(), factors.mutable_data_ptr<float>(), streamOf(x));
    return {numbers, factors};
}

#else

namespace {

[[noreturn]] void absent() {
    throw Error(ExitCode::Internal, "this build has no kernels for cards");
}

}  // namespace

bool able(const at::Tensor&) {
    return false;
}
bool ableToRotate(const at::Tensor&, int64_t) {
    return false;
}
at::Tensor layerNorm(const at::Tensor&, const at::Tensor&, const at::Tensor&, double) {
    absent();
}
at::Tensor rmsRotate(const at::Tensor&, const at::Tensor&, const at::Tensor&, int64_t, double) {
    absent();
}
void rmsNormalise(const at::Tensor&, double) {
    absent();
}
void addGated(const at::Tensor&, const at::Tensor&, const at::Tensor&) {
    absent();
}
ByteRows fp8Rows(const at::Tensor&) {
    absent();
}

#endif

}  // namespace derrumbe::model::rows::card
