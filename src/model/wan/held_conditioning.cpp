#include "model/wan/held_conditioning.h"

#include "support/error.h"
#include "support/strings.h"

namespace derrumbe::model {

namespace {

constexpr int64_t kFrames = 4;  ///< a latent, the first one apart

/// The first frame, and those that follow it with nothing to generate.
int64_t givenFrames(const at::Tensor& mask) {
    int64_t given = 1;
    while (given < mask.size(2) && !mask.select(2, given).gt(0).any().item<bool>()) ++given;
    return given;
}

/// [1, 4 + C, T, h, w]; `latents` [1, C, T, h, w] for the sizes.
at::Tensor shownFramesOf(const WanVae& vae, const ConditioningInput& input,
                         const at::Tensor& latents, const Tick& tick) {
    const int64_t given = givenFrames(input.mask), frames = input.video.size(2);
    at::Tensor clip = at::zeros_like(input.video);
    clip.narrow(2, 0, given).copy_(input.video.narrow(2, 0, given));
    at::Tensor mask = at::zeros({frames + kFrames - 1}, at::kFloat);
    mask.narrow(0, 0, given + kFrames - 1).fill_(1);
    const at::Tensor channels =
        mask.view({-1, kFrames}).t().reshape({1, kFrames, latents.size(2), 1, 1});
    return at::cat(
        {channels.expand({1, kFrames, latents.size(2), latents.size(3), latents.size(4)}),
         vae.encode(clip, tick)},
        1);
}

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
                            bool shownFrames, const Tick& tick) {
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
    const auto half = [&](double from) -> Tick {
        return [&tick, from](double done, double total) {
            if (tick) tick(from + 0.5 * done / total, 1);
        };
    };
    const at::Tensor latents = vae.encode(video, shownFrames ? half(0) : tick);
    std::vector<at::Tensor> channels{latents, latentMask(mask, spatialScale)};
    if (shownFrames) channels.push_back(shownFramesOf(vae, input, latents, half(0.5)));
    return at::cat(channels, 1);
}

}  // namespace derrumbe::model
