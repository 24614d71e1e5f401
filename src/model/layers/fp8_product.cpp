#include "model/layers/fp8_product.h"

#include <cmath>
#include <limits>

#include "model/layers/rows/card_operations.h"
#include "support/error.h"
#include "support/strings.h"

namespace derrumbe::model {

namespace {

constexpr double kGreatest = 448;  ///< of float8 e4m3
constexpr int64_t kAtOnce = 16;    ///< numbers that a card's units take, and multiples of them

/// Cards sum a few products at a time in fewer bits than float32, and take longer to do otherwise.
/// What that leaves out is small beside what rounding to 8 bits does. DeepSeek-AI 2024,
/// "DeepSeek-V3 Technical Report", section 3.3.2; pytorch/ao:torchao/quantization/quant_api.py has
/// the same default.
constexpr bool kFastSums = true;

}  // namespace

Fp8Rows fp8Rows(const at::Tensor& x) {
    if (rows::card::able(x)) return rows::card::fp8Rows(x);
    // One pass finds a row's greatest magnitude, one writes the numbers: both are bound by memory,
    // beside products that are not.
    const at::Tensor factors =
        at::linalg_vector_norm(x, INFINITY, at::IntArrayRef{-1}, /*keepdim=*/true, at::kFloat)
            .div_(kGreatest)
            .clamp_min_(std::numeric_limits<float>::min());
    at::Tensor numbers = at::empty(x.sizes(), x.options().dtype(at::kFloat8_e4m3fn));
    at::div_out(numbers, x, factors);
    return {numbers.flatten(0, -2), factors.reshape({-1, 1})};
}

bool fitsFp8Product(const Fp8Rows& weight) {
    return weight.numbers.size(0) % kAtOnce == 0 && weight.numbers.size(1) % kAtOnce == 0;
}

at::Tensor fp8Product(const Fp8Rows& x, const Fp8Rows& weight, const at::Tensor& bias,
                      at::ScalarType dtype) {
    // Factors a row are for results in bfloat16 alone on a card: pytorch/pytorch 2.11:
    // aten/src/ATen/native/cuda/ScaledBlas.cpp.
    const at::ScalarType given = x.numbers.is_cpu() ? dtype : at::kBFloat16;
    const bool added = bias.defined() && given == dtype;
    at::Tensor y = at::_scaled_mm(x.numbers, weight.numbers.t(), x.factors, weight.factors.t(),
                                  added ? std::optional<at::Tensor>(bias) : std::nullopt,
                                  /*scale_result=*/{}, given, kFastSums);
    if (given != dtype) y = y.to(dtype);
    if (bias.defined() && !added) y.add_(bias);
    return y;
}

void requireFp8Products(at::Device device) {
    try {
        const Fp8Rows ones = fp8Rows(at::ones({kAtOnce, kAtOnce}, at::device(device)));
        fp8Product(ones, ones, {}, at::kFloat).sum().item<float>();
    } catch (const c10::Error& error) {
        throw Error(ExitCode::Usage,
                    cat("model.products=fp8 does not work on ", device.str(),
                        ", which takes a card of compute capability 8.9 or higher (Ada, Hopper) or "
                        "a processor; use model.products=auto, or --device cpu (",
                        error.what_without_backtrace(), ")"));
    }
}

}  // namespace derrumbe::model
