#include "model/wan/vace_conditioning.h"

#include <vector>

#include "support/strings.h"

namespace derrumbe::model {

namespace {

void check(bool holds, const std::string& message) {
    if (!holds) throw Error(ExitCode::Internal, message);
}

void checkShapes(const ConditioningInput& input, int64_t scale) {
    const at::Tensor &video = input.video, &mask = input.mask;
    check(video.dim() == 5 && video.size(0) == 1 && video.size(1) == 3,
          cat("the conditioning's video must be [1, 3, F, H, W], not ", video.sizes()));
    const int64_t frames = video.size(2), height = video.size(3), width = video.size(4);
    check(frames % 4 == 1 && height % scale == 0 && width % scale == 0,
          cat("the conditioning takes 4k + 1 frames and sizes that are multiples of ", scale,
              ", not ", video.sizes()));
    check(mask.sizes() == at::IntArrayRef({1, 1, frames, height, width}),
          cat("the mask is ", mask.sizes(), " for a video of ", video.sizes()));
    for (const at::Tensor& reference : input.references)
        check(reference.sizes() == at::IntArrayRef({1, 3, 1, height, width}),
              cat("a reference is ", reference.sizes(), " for a video of ", video.sizes()));
}

}  // namespace

at::Tensor maskChannels(const at::Tensor& mask, int64_t spatialScale, int64_t latentFrames) {
    const int64_t frames = mask.size(2), height = mask.size(3) / spatialScale,
                  width = mask.size(4) / spatialScale;
    std::vector<at::Tensor> chosen;
    for (int64_t i = 0; i < latentFrames; ++i)
        chosen.push_back(
            mask.select(2, (2 * i + 1) * frames / (2 * latentFrames)));  // [1, 1, H, W]
    return at::cat(chosen, 1)
        .view({latentFrames, height, spatialScale, width, spatialScale})
        .permute({2, 4, 0, 1, 3})
        .reshape({1, spatialScale * spatialScale, latentFrames, height, width})
        .to(at::kFloat);
}

at::Tensor vaceConditioning(const WanVae& vae, const ConditioningInput& input, int spatialScale,
                            const Tick& tick) {
    checkShapes(input, spatialScale);
    const int64_t frames = input.video.size(2);
    const auto references = static_cast<int64_t>(input.references.size());

    const double total = static_cast<double>(2 * frames + references);
    double before = 0;
    const auto encode = [&](const at::Tensor& clip) {
        const Tick part = [&](double done, double) {
            if (tick) tick(before + done, total);
        };
        const at::Tensor latents = vae.encode(clip, part);
        before += static_cast<double>(clip.size(2));
        part(0, 0);
        return latents;
    };

    const at::Tensor inside = (input.mask > 0.5).to(input.video.scalar_type());
    const at::Tensor inactive = encode(input.video * (1 - inside));
    const at::Tensor reactive =
        encode(input.keepReactive ? input.video * inside : at::zeros_like(input.video));
    const at::Tensor mask = maskChannels(input.mask, spatialScale, inactive.size(2));
    check(mask.sizes().slice(3) == inactive.sizes().slice(3),
          cat("mask squares of ", spatialScale, " pixels do not fit latents ", inactive.sizes()));

    const int64_t channels = inactive.size(1);
    at::Tensor result = at::zeros({1, 2 * channels + mask.size(1), references + inactive.size(2),
                                   inactive.size(3), inactive.size(4)},
                                  inactive.options());
    const at::Tensor clip = result.narrow(2, references, inactive.size(2));
    clip.narrow(1, 0, channels).copy_(inactive);
    clip.narrow(1, channels, channels).copy_(reactive);
    clip.narrow(1, 2 * channels, mask.size(1)).copy_(mask);
    // The reference implementation puts each image before those it has: their order is reversed.
    for (int64_t index = 0; index < references; ++index)
        result.narrow(1, 0, channels)
            .narrow(2, references - 1 - index, 1)
            .copy_(encode(input.references[index]));
    return result;
}

}  // namespace derrumbe::model
