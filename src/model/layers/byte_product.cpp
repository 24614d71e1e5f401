#include "model/layers/byte_product.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "model/layers/rows/card_operations.h"
#include "model/layers/rows/processor_loops.h"
#include "model/layers/rows/row_operations.h"
#include "support/error.h"
#include "support/strings.h"

namespace derrumbe::model {

namespace {

constexpr int64_t kAtOnce = 16;  ///< numbers that a card's units take, and multiples of them

// ---- float8

constexpr double kGreatestFloat8 = 448;

/// Cards sum a few products at a time in fewer bits than float32, and take longer to do otherwise.
/// What that leaves out is small beside what rounding to 8 bits does. DeepSeek-AI 2024,
/// "DeepSeek-V3 Technical Report", section 3.3.2; pytorch/ao:torchao/quantization/quant_api.py has
/// the same default.
constexpr bool kFastSums = true;

/// What a row's greatest magnitude is divided by, [..., 1] float32.
at::Tensor factorsOf(const at::Tensor& x, double greatest) {
    return at::linalg_vector_norm(x, INFINITY, at::IntArrayRef{-1}, /*keepdim=*/true, at::kFloat)
        .div_(greatest)
        .clamp_min_(std::numeric_limits<float>::min());
}

ByteRows float8Rows(const at::Tensor& x) {
    if (rows::card::able(x)) return rows::card::fp8Rows(x);
    // One pass finds a row's greatest magnitude, one writes the numbers: both are bound by memory,
    // beside products that are not.
    const at::Tensor factors = factorsOf(x, kGreatestFloat8);
    at::Tensor numbers = at::empty(x.sizes(), x.options().dtype(at::kFloat8_e4m3fn));
    at::div_out(numbers, x, factors);
    return {numbers.flatten(0, -2), factors.reshape({-1, 1})};
}

at::Tensor float8Product(const ByteRows& x, const ByteRows& weight, const at::Tensor& bias,
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

// ---- int8

constexpr double kGreatestInt8 = 127;

/// Of a processor's sums that are not yet scaled so many rows, and numbers in all, at a time: they
/// are written by the product and read once more, from the cache, and their memory is that of the
/// next lot.
constexpr int64_t kSumRows = 2048, kSums = 1 << 20;
constexpr int64_t kLeastColumns = 256;

ByteRows int8Rows(const at::Tensor& x) {
    const at::Tensor numbers = at::empty({x.numel() / x.size(-1), x.size(-1)},
                                         x.options().dtype(at::kChar)),
                     factors = at::empty({numbers.size(0), 1}, x.options().dtype(at::kFloat));
    if (x.is_cpu()) {
        // float16 is rare on a processor, and holds what float32 does.
        const at::Tensor known = (x.scalar_type() == at::kHalf ? x.to(at::kFloat) : x).contiguous();
        rows::processor::int8Rows(rows::rowsOf(known.view({1, -1, x.size(-1)})),
                                  numbers.mutable_data_ptr<int8_t>(),
                                  factors.mutable_data_ptr<float>());
        return {numbers, factors};
    }
    const at::Tensor all = factorsOf(x, kGreatestInt8);
    numbers.copy_((x.to(at::kFloat) / all).round_().flatten(0, -2));
    return {numbers, all.reshape({-1, 1})};
}

at::Tensor int8OnProcessor(const ByteRows& x, const ByteRows& weight, const at::Tensor& bias,
                           at::ScalarType dtype, Finish finish) {
    const int64_t count = x.numbers.size(0), width = weight.numbers.size(0),
                  atOnce = std::min(count, kSumRows),
                  columns = std::min(width, std::max(kLeastColumns, kSums / atOnce));
    const at::Tensor y = at::empty({count, width}, dtype == at::kHalf ? at::kFloat : dtype),
                     sums = at::empty({atOnce * columns}, at::kInt),
                     added = bias.defined() ? bias.to(at::kFloat) : at::Tensor();
    // Columns within rows: numbers of the weight's, as products read them, are those of all rows.
    for (int64_t row = 0; row < count; row += atOnce) {
        const int64_t height = std::min(atOnce, count - row);
        const at::Tensor from = x.numbers.narrow(0, row, height),
                         factors = x.factors.narrow(0, row, height);
        for (int64_t column = 0; column < width; column += columns) {
            const int64_t own = std::min(columns, width - column);
            const auto ownOf = [&](const at::Tensor& each) {
                return each.const_data_ptr<float>() + column;
            };
            at::Tensor products = sums.narrow(0, 0, height * own).view({height, own});
            at::_int_mm_out(products, from, weight.numbers.narrow(0, column, own).t());
            const at::Tensor to = y.narrow(0, row, height).narrow(1, column, own);
            rows::processor::scaleSums(products.const_data_ptr<int32_t>(),
                                       factors.const_data_ptr<float>(), ownOf(weight.factors),
                                       added.defined() ? ownOf(added) : nullptr,
                                       finish == Finish::Gelu, rows::rowsOf(to.unsqueeze(1)));
        }
    }
    return y.to(dtype);
}

at::Tensor int8Product(const ByteRows& x, const ByteRows& weight, const at::Tensor& bias,
                       at::ScalarType dtype, Finish finish) {
    if (x.numbers.is_cpu()) return int8OnProcessor(x, weight, bias, dtype, finish);
    // Cards multiply more than 16 rows: pytorch/pytorch 2.13: aten/src/ATen/native/cuda/Blas.cpp.
    constexpr int64_t least = 32;
    const int64_t count = x.numbers.size(0);
    const at::Tensor given =
        count < least ? at::constant_pad_nd(x.numbers, {0, 0, 0, least - count}) : x.numbers;
    at::Tensor y = at::_int_mm(given, weight.numbers.t()).narrow(0, 0, count).to(at::kFloat);
    y.mul_(x.factors).mul_(weight.factors.t());
    if (bias.defined()) y.add_(bias);
    if (finish == Finish::Gelu) at::gelu_(y, "tanh");
    return y.to(dtype);
}

}  // namespace

ByteRows byteRows(const at::Tensor& x, Rounding kind) {
    return kind == Rounding::Int8 ? int8Rows(x) : float8Rows(x);
}

bool fitsByteProduct(const ByteRows& weight) {
    return weight.numbers.size(0) % kAtOnce == 0 && weight.numbers.size(1) % kAtOnce == 0;
}

at::Tensor byteProduct(const ByteRows& x, const ByteRows& weight, const at::Tensor& bias,
                       at::ScalarType dtype, Finish finish) {
    if (weight.numbers.scalar_type() == at::kChar)
        return int8Product(x, weight, bias, dtype, finish);
    at::Tensor y = float8Product(x, weight, bias, dtype);
    return finish == Finish::Gelu ? at::gelu_(y, "tanh") : y;
}

void requireByteProducts(at::Device device, Rounding kind) {
    const bool whole = kind == Rounding::Int8;
    try {
        const ByteRows ones = byteRows(at::ones({kAtOnce, kAtOnce}, at::device(device)), kind);
        byteProduct(ones, ones, {}, at::kFloat).sum().item<float>();
    } catch (const c10::Error& error) {
        throw Error(ExitCode::Usage,
                    cat("model.products=", whole ? "int8" : "fp8", " does not work on ",
                        device.str(), ", which takes a card of compute capability ",
                        whole ? "7.5 or higher (Turing)" : "8.9 or higher (Ada, Hopper)",
                        " or a processor; use model.products=auto, or --device cpu (",
                        error.what_without_backtrace(), ")"));
    }
}

}  // namespace derrumbe::model
