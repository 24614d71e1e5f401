#include "model/layers/rows/card_operations.h"

#include "model/layers/rows/card_kernels.h"
#include "model/layers/rows/row_operations.h"
#include "support/error.h"

#ifdef DERRUMBE_CARD_KERNELS
#include <c10/core/DeviceGuard.h>
#include <c10/cuda/CUDAStream.h>
#endif

namespace derrumbe::model::rows::card {

#ifdef DERRUMBE_CARD_KERNELS

bool able(const at::Tensor& x) {
    const at::ScalarType type = x.scalar_type();
    return x.is_cuda() && x.dim() == 3 && x.numel() > 0 &&
           (type == at::kFloat || type == at::kHalf || type == at::kBFloat16) && x.stride(2) == 1 &&
           x.stride(1) == x.size(2) && x.stride(0) % kVector == 0 && x.size(2) % kVector == 0 &&
           x.size(2) <= kWidest && reinterpret_cast<std::uintptr_t>(x.const_data_ptr()) % 16 == 0;
}

void launch(const at::Tensor& x, const std::function<void(void* stream)>& work) {
    const c10::DeviceGuard guard(x.device());
    work(c10::cuda::getCurrentCUDAStream(x.device().index()).stream());
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
void launch(const at::Tensor&, const std::function<void(void*)>&) {
    absent();
}
void layerNorm(const Rows&, const Rows&, const float*, const float*, float, void*) {
    absent();
}
void rmsRotate(const Rows&, const Rows&, const float*, const float*, std::int64_t, float, void*) {
    absent();
}
void addGated(const Rows&, const Rows&, const float*, void*) {
    absent();
}
void fp8Rows(const Rows&, void*, float*, void*) {
    absent();
}

#endif

bool ableToRotate(const at::Tensor& x, int64_t heads) {
    return able(x) && x.size(2) % (heads * kVector) == 0;
}

ByteRows fp8Rows(const at::Tensor& x) {
    const int64_t rows = x.size(0) * x.size(1);
    at::Tensor numbers = at::empty({rows, x.size(2)}, x.options().dtype(at::kFloat8_e4m3fn)),
               factors = at::empty({rows, 1}, x.options().dtype(at::kFloat));
    launch(x, [&](void* stream) {
        fp8Rows(rowsOf(x), numbers.mutable_data_ptr(), factors.mutable_data_ptr<float>(), stream);
    });
    return {numbers, factors};
}

}  // namespace derrumbe::model::rows::card
