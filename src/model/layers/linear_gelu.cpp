#include "model/layers/linear_gelu.h"

#include <ATen/core/dispatch/Dispatcher.h>

#include <optional>
#include <string>

#include "support/processor.h"

namespace derrumbe::model {

namespace {

/// The operator that torch.compile takes for the same (torch 2.13:aten/src/ATen/native/mkldnn/
/// Linear.cpp); called through the dispatcher, since ATen's headers do not declare it.
std::optional<c10::OperatorHandle> fusedLinear() {
    if (!at::hasMKLDNN()) return std::nullopt;
    return c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", ""});
}

}  // namespace

at::Tensor linearGelu(const Linear& linear, const at::Tensor& x) {
    static const std::optional<c10::OperatorHandle> fused = fusedLinear();
    if (linear.multipliesBytes()) return linear.inBytes(x, Finish::Gelu);
    const bool able =
        x.scalar_type() == at::kFloat ||
        (x.scalar_type() == at::kBFloat16 && bfloat16Products() != Bfloat16Products::None);
    if (fused && x.is_cpu() && able && linear.bias.defined() &&
        at::globalContext().userEnabledMkldnn()) {
        torch::jit::Stack stack{x.contiguous(),
                                linear.weight(),
                                linear.bias,
                                std::string("gelu"),
                                c10::List<std::optional<at::Scalar>>(),
                                std::string("tanh")};
        fused->callBoxed(stack);
        return stack.front().toTensor();
    }
    if (x.is_cuda() && x.scalar_type() != at::kFloat && linear.bias.defined())
        // cuBLAS applies it, its tanh form, before the product is rounded and written.
        return at::_addmm_activation(linear.bias, x.flatten(0, -2), linear.weight().t(), 1, 1,
                                     /*use_gelu=*/true)
            .view({x.size(0), x.size(1), -1});
    at::Tensor inner = linear(x);
    return at::gelu_(inner, "tanh");
}

}  // namespace derrumbe::model
