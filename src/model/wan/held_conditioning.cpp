#include "model/wan/held_conditioning.h"

#include "support/error.h"
#include "support/strings.h"

namespace derrumbe::model {

namespace {

constexpr int64_t kFrames = 4;  ///< a latent, the first one apart

}  // namespace

at::Tensor latentMask(const at::Tensor& mask, int64_t spatialScale) {
    const int64_t frames = mask.size(2) + kFrames - 1, height = mask.size(3) / spatialScale,
                  width = mask.size(4) / spatialScale;
    // The first frame as often as the others' latents have frames.
    const at::Tensor first =
        mask.narrow(2, 0, 1).expand({1, 1, kFrames - 1, mask.size(3), mask.size(4)});
    return at::cat({first, mask}, 2)
        .gt(0)
        .view({frames / kFrames, kFrames, height, spatialScale, width, spatialScale})
        .to(at::kFloat)
        .amax({1, 3, 5})
        .view({1, 1, frames / kFrames, height, width});
}

at::Tensor heldConditioning(const WanVae& vae, const ConditioningInput& input, int spatialScale,
                            const Tick& tick) {
    const at::Tensor &video = input.video, &mask = input.mask;
    const auto check = [](bool holds, const std::string& message) {
        if (!holds) throw Error(ExitCode::Internal, message);
    };
    check(video.dim() == 5 && video.size(0) == 1 && video.size(1) == 3 && video.size(2) % 4 == 1 &&
              video.size(3) % spatialScale == 0 && video.size(4) % spatialScale == 0,
          cat("[1, 3, 4k + 1, H, W] in multiples of ", spatialScale, " was expected, not ",
              video.sizes()));
    check(mask.sizes() == at::IntArrayRef({1, 1, video.size(2), video.size(3), video.size(4)}),
          cat("the mask is ", mask.sizes(), " for a video of ", video.sizes()));
    check(input.references.empty(), "a model without VACE layers takes no references");
    return at::cat({vae.encode(video, tick), latentMask(mask, spatialScale)}, 1);
}

}  // namespace derrumbe::model
