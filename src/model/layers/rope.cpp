#include "model/layers/rope.h"

#include "support/error.h"
#include "support/strings.h"

namespace derrumbe::model {

namespace {

/// cos + i sin of position * 10000^(-2k/D), [positions, D/2], rounded to complex64 from float64.
at::Tensor axisTable(int64_t width, int64_t positions) {
    const at::TensorOptions wide(at::kDouble);
    const at::Tensor exponents = at::arange(0, width, 2, wide) / static_cast<double>(width);
    const at::Tensor frequencies = 1.0 / at::pow(at::Scalar(10000.0), exponents);
    const at::Tensor angles = at::outer(at::arange(positions, wide), frequencies);
    return at::complex(angles.cos().to(at::kFloat), angles.sin().to(at::kFloat));
}

}  // namespace

at::Tensor ropeTable(int64_t headSize, const std::array<int64_t, 3>& sizes, int64_t longest) {
    for (const int64_t size : sizes) {
        if (size > longest)
            throw Error(ExitCode::Model, cat("the picture is ", size,
                                             " tokens along an axis, the model "
                                             "knows ",
                                             longest, ": use a smaller region or window"));
    }
    const int64_t spatial = 2 * (headSize / 6);
    const auto [time, rows, columns] = sizes;
    const at::Tensor t = axisTable(headSize - 2 * spatial, time).view({time, 1, 1, -1});
    const at::Tensor y = axisTable(spatial, rows).view({1, rows, 1, -1});
    const at::Tensor x = axisTable(spatial, columns).view({1, 1, columns, -1});
    return at::cat({t.expand({time, rows, columns, -1}), y.expand({time, rows, columns, -1}),
                    x.expand({time, rows, columns, -1})},
                   -1)
        .reshape({time * rows * columns, headSize / 2});
}

at::Tensor rotate(const at::Tensor& x, int64_t heads, const at::Tensor& table,
                  const at::Tensor& rowFactor, at::ScalarType dtype) {
    const int64_t batch = x.size(0), length = x.size(1), headSize = x.size(2) / heads;
    const at::Tensor pairs =
        at::view_as_complex(x.to(at::kFloat).view({batch, length, heads, headSize / 2, 2}));
    at::Tensor angles = table.unsqueeze(0);
    if (rowFactor.defined()) angles = angles * rowFactor;
    return at::view_as_real(pairs * angles.unsqueeze(2)).flatten(-2).to(dtype);
}

}  // namespace derrumbe::model
