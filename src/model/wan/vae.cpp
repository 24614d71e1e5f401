#include "model/wan/vae.h"

#include <algorithm>

#include "support/strings.h"

namespace derrumbe::model {

namespace {

/// A clip [3, T, H, W] as [T, H / p, W / p, 3 p^2]: channel = (colour, column, row) of the patch,
/// the reference's order.
at::Tensor foldPatches(const at::Tensor& clip, int64_t patch) {
    const int64_t frames = clip.size(1), height = clip.size(2) / patch,
                  width = clip.size(3) / patch;
    return clip.reshape({3, frames, height, patch, width, patch})
        .permute({1, 2, 4, 0, 5, 3})
        .reshape({frames, height, width, 3 * patch * patch});
}

/// The inverse, written to `clip` [3, T, H, W] (any strides).
void unfoldPatches(const at::Tensor& x, int64_t patch, const at::Tensor& clip) {
    const int64_t frames = x.size(0), height = x.size(1), width = x.size(2);
    at::Tensor target = clip.unflatten(3, {width, patch}).unflatten(2, {height, patch});
    target.copy_(x.view({frames, height, width, 3, patch, patch}).permute({3, 0, 1, 5, 2, 4}));
}

at::Tensor channelValues(const std::vector<double>& values) {
    at::Tensor tensor = at::empty({static_cast<int64_t>(values.size())}, at::kFloat);
    std::copy(values.begin(), values.end(), tensor.data_ptr<float>());
    return tensor;
}

void check(bool holds, const std::string& what, const at::Tensor& tensor) {
    if (!holds) throw Error(ExitCode::Internal, cat(what, ", not ", tensor.sizes()));
}

}  // namespace

WanVae::WanVae(const Weights& weights, const VaeConfig& config, VaeChunks chunks)
    : config_(config),
      chunks_(chunks),
      device_(weights.device()),
      dtype_(weights.dtype()),
      mean_(channelValues(config.latentMean)),
      inverseStd_(channelValues(config.latentStd).reciprocal_()),
      encoder_(weights, config),
      decoder_(weights, config) {}

at::Tensor WanVae::encode(const at::Tensor& video, const Tick& tick) const {
    check(video.dim() == 5 && video.size(0) == 1 && video.size(1) == 3 && video.size(2) > 0,
          "the VAE encodes clips [1, 3, F, H, W]", video);
    const int64_t multiple = config_.residual ? config_.spatialScale() : config_.patch;
    check(video.size(3) % multiple == 0 && video.size(4) % multiple == 0 &&
              std::min(video.size(3), video.size(4)) >= config_.spatialScale(),
          cat("height and width must be multiples of ", multiple), video);
    if (video.any().item<bool>()) return encodeChunks(video, tick);
    const Size size{video.size(2), video.size(3), video.size(4)};
    {
        const std::lock_guard<std::mutex> lock(zerosMutex_);
        const auto found = zeros_.find(size);
        if (found != zeros_.end()) return found->second.clone();
    }
    const at::Tensor latents = encodeChunks(video, tick);
    const std::lock_guard<std::mutex> lock(zerosMutex_);
    zeros_.emplace(size, latents.clone());
    return latents;
}

at::Tensor WanVae::encodeChunks(const at::Tensor& video, const Tick& tick) const {
    const int64_t groups = (video.size(2) - 1) / 4, frames = 1 + 4 * groups;
    const at::Tensor clip = video[0];
    VaeCache cache;
    at::Tensor latents;
    int64_t written = 0;
    for (int64_t start = 0, count = 1; start < frames; start += count) {
        if (start > 0) count = std::min(4 * chunks_.encodeGroups, frames - start);
        const at::Tensor chunk =
            foldPatches(clip.narrow(1, start, count), config_.patch).to(device_, dtype_);
        const at::Tensor mean = encoder_(chunk, cache);  // [T', h, w, C]
        if (!latents.defined())
            latents = at::empty({1, config_.latentChannels, config_.latentFrames(frames),
                                 mean.size(1), mean.size(2)},
                                video.options().dtype(at::kFloat));
        const at::Tensor plain = mean.to(latents.device(), at::kFloat);
        latents[0]
            .narrow(1, written, mean.size(0))
            .copy_(plain.sub(mean_.to(plain.device()))
                       .mul_(inverseStd_.to(plain.device()))
                       .permute({3, 0, 1, 2}));
        written += mean.size(0);
        if (tick) tick(static_cast<double>(start + count), static_cast<double>(frames));
    }
    return latents;
}

at::Tensor WanVae::decode(const at::Tensor& latents, const Tick& tick) const {
    check(latents.dim() == 5 && latents.size(0) == 1 && latents.size(1) == config_.latentChannels,
          cat("the VAE decodes latents [1, ", config_.latentChannels, ", T, h, w]"), latents);
    const int64_t total = latents.size(2), scale = config_.spatialScale();
    const at::Tensor plain = latents[0].permute({1, 2, 3, 0}).to(at::kFloat);
    const at::Tensor values =
        plain.div(inverseStd_.to(plain.device())).add_(mean_.to(plain.device()));
    at::Tensor video =
        at::empty({1, 3, config_.frames(total), latents.size(3) * scale, latents.size(4) * scale},
                  latents.options().dtype(at::kFloat));
    VaeCache cache;
    int64_t written = 0;
    for (int64_t start = 0, count = 1; start < total; start += count) {
        if (start > 0) count = std::min(chunks_.decodeLatents, total - start);
        const at::Tensor chunk = values.narrow(0, start, count).to(device_, dtype_).contiguous();
        const at::Tensor pixels = decoder_(chunk, cache).clamp_(-1, 1);
        unfoldPatches(pixels, config_.patch, video[0].narrow(1, written, pixels.size(0)));
        written += pixels.size(0);
        if (tick) tick(static_cast<double>(start + count), static_cast<double>(total));
    }
    return video;
}

}  // namespace derrumbe::model
