#include "model/layers/linear_product.h"

#include <ATen/core/dispatch/Dispatcher.h>

#include <optional>
#include <string>
#include <vector>

#include "support/processor.h"

namespace derrumbe::model {

namespace {

/// The operator that torch.compile takes (torch 2.13:aten/src/ATen/native/mkldnn/Linear.cpp);
/// called through the dispatcher, since ATen's headers do not declare it.
const std::optional<c10::OperatorHandle>& onePass() {
    static const std::optional<c10::OperatorHandle> found =
        at::hasMKLDNN() ? c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", ""})
                        : std::nullopt;
    return found;
}

/// Of float32 alone, without anything to finish it, at::linear is faster (torch 2.13, by hand).
bool onePassPays(const at::Tensor& x, const at::Tensor& bias, Finish finish) {
    const bool half =
        x.scalar_type() == at::kBFloat16 && bfloat16Products() != Bfloat16Products::None;
    return x.is_cpu() && bias.defined() &&
           (half || (x.scalar_type() == at::kFloat && finish == Finish::Gelu)) &&
           at::globalContext().userEnabledMkldnn() && onePass();
}

}  // namespace

at::Tensor linearProduct(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                         Finish finish) {
    const bool gelu = finish == Finish::Gelu;
    if (onePassPays(x, bias, finish)) {
        torch::jit::Stack stack{x.contiguous(),
                                weight,
                                bias,
                                std::string(gelu ? "gelu" : "none"),
                                c10::List<std::optional<at::Scalar>>(),
                                std::string(gelu ? "tanh" : "")};
        onePass()->callBoxed(stack);
        return stack.front().toTensor();
    }
    if (gelu && x.is_cuda() && x.scalar_type() != at::kFloat && bias.defined()) {
        std::vector<int64_t> shape = x.sizes().vec();
        shape.back() = weight.size(0);
        return at::_addmm_activation(bias, x.flatten(0, -2), weight.t(), 1, 1, /*use_gelu=*/true)
            .view(shape);
    }
    at::Tensor y = at::linear(x, weight, bias);
    return gelu ? at::gelu_(y, "tanh") : y;
}

}  // namespace derrumbe::model
