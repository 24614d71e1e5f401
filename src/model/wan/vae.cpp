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

WanVae::WanVae(const Weights& weights, const VaeConfig& config, VaeChunks chunks,
               std::optional<at::ScalarType> convolutions)
    : config_(config),
      chunks_(chunks),
      device_(weights.device()),
      dtype_(weights.dtype()),
      mean_(channelValues(config.latentMean)),
      inverseStd_(channelValues(config.latentStd).reciprocal_()),
      encoder_(weights.withConvolutions(convolutions.value_or(dtype_)), config,
               chunks.numbersAtOnce),
      decoder_(weights.withConvolutions(convolutions.value_or(dtype_)), config,
               chunks.numbersAtOnce) {}

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

std::vector<WanVae::Chunk> WanVae::chunks(int64_t total, int64_t count) {
    std::vector<Chunk> all{{0, 1}};
    for (int64_t start = 1; start < total; start += all.back().count)
        all.push_back({start, std::min(count, total - start)});
    return all;
}

at::Tensor WanVae::encodeChunks(const at::Tensor& video, const Tick& tick) const {
    const int64_t frames = 1 + (video.size(2) - 1) / 4 * 4, scale = config_.spatialScale();
    const at::Tensor clip = video[0];
    const int64_t height = clip.size(2) / scale, width = clip.size(3) / scale;
    at::Tensor latents =
        at::empty({1, config_.latentChannels, config_.latentFrames(frames), height, width},
                  video.options().dtype(at::kFloat));
    VaeCache cache;
    int64_t written = 0;
    const auto write = [&](const at::Tensor& features) {
        const at::Tensor mean = encoder_.means(features, cache);  // [T', h, w, C]
        const at::Tensor plain = mean.to(latents.device(), at::kFloat);
        latents[0]
            .narrow(1, written, mean.size(0))
            .copy_(plain.sub(mean_.to(plain.device()))
                       .mul_(inverseStd_.to(plain.device()))
                       .permute({3, 0, 1, 2}));
        written += mean.size(0);
    };
    const std::vector<Chunk> parts = chunks(frames, 4 * chunks_.encodeGroups);
    const auto tiles = vaeTiles(height, width, chunks_.encodeTile, encodeMargin(config_));
    if (tiles.size() > 1) {
        const at::Tensor features = tiledFeatures(clip, parts, tiles, tick);
        for (int64_t start = 0; start < features.size(0); ++start)
            write(features.narrow(0, start, 1));
        return latents;
    }
    VaeCache fine;
    for (const Chunk& part : parts) {
        const at::Tensor chunk =
            foldPatches(clip.narrow(1, part.start, part.count), config_.patch).to(device_, dtype_);
        write(encoder_.features(chunk, fine));
        if (tick) tick(static_cast<double>(part.start + part.count), static_cast<double>(frames));
    }
    return latents;
}

/// The encoder's features of a clip [3, F, H, W], [T, h, w, width].
at::Tensor WanVae::tiledFeatures(const at::Tensor& clip, const std::vector<Chunk>& chunks,
                                 const std::vector<VaeTile>& tiles, const Tick& tick) const {
    const int64_t scale = config_.spatialScale();
    const double total = static_cast<double>(tiles.size() * chunks.size());
    at::Tensor all;
    double done = 0;
    for (const VaeTile& tile : tiles) {
        const at::Tensor part = clip.narrow(2, tile.outerY * scale, tile.outerHeight * scale)
                                    .narrow(3, tile.outerX * scale, tile.outerWidth * scale);
        VaeCache cache;
        int64_t written = 0;
        for (const Chunk& chunk : chunks) {
            const at::Tensor frames =
                foldPatches(part.narrow(1, chunk.start, chunk.count), config_.patch)
                    .to(device_, dtype_);
            const at::Tensor features = encoder_.features(frames, cache);
            if (!all.defined())
                all = at::empty({config_.latentFrames(chunks.back().start + chunks.back().count),
                                 tiles.back().y + tiles.back().height,
                                 tiles.back().x + tiles.back().width, features.size(3)},
                                features.options());
            all.narrow(0, written, features.size(0))
                .narrow(1, tile.y, tile.height)
                .narrow(2, tile.x, tile.width)
                .copy_(features.narrow(1, tile.y - tile.outerY, tile.height)
                           .narrow(2, tile.x - tile.outerX, tile.width));
            written += features.size(0);
            if (tick) tick(++done, total);
        }
    }
    return all;
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
    const std::vector<Chunk> parts = chunks(total, chunks_.decodeLatents);
    const auto tiles =
        vaeTiles(latents.size(3), latents.size(4), chunks_.decodeTile, decodeMargin(config_));
    if (tiles.size() > 1) {
        decodeTiles(values, parts, tiles, video[0], tick);
        return video;
    }
    VaeCache coarse, fine;
    int64_t written = 0;
    for (const Chunk& part : parts) {
        const at::Tensor chunk =
            values.narrow(0, part.start, part.count).to(device_, dtype_).contiguous();
        const at::Tensor pixels =
            decoder_.pixels(decoder_.features(chunk, coarse), fine).clamp_(-1, 1);
        unfoldPatches(pixels, config_.patch, video[0].narrow(1, written, pixels.size(0)));
        written += pixels.size(0);
        if (tick) tick(static_cast<double>(part.start + part.count), static_cast<double>(total));
    }
    return video;
}

/// `values` [T, h, w, C], not normalised, to `clip` [3, F, H, W].
void WanVae::decodeTiles(const at::Tensor& values, const std::vector<Chunk>& chunks,
                         const std::vector<VaeTile>& tiles, const at::Tensor& clip,
                         const Tick& tick) const {
    const int64_t scale = config_.spatialScale();
    const double total = static_cast<double>(tiles.size() * chunks.size());
    std::vector<at::Tensor> features;
    VaeCache coarse;
    for (const Chunk& chunk : chunks)
        features.push_back(decoder_.features(
            values.narrow(0, chunk.start, chunk.count).to(device_, dtype_).contiguous(), coarse));
    double done = 0;
    for (const VaeTile& tile : tiles) {
        VaeCache fine;
        int64_t written = 0;
        for (const at::Tensor& whole : features) {
            const at::Tensor part = whole.narrow(1, tile.outerY, tile.outerHeight)
                                        .narrow(2, tile.outerX, tile.outerWidth)
                                        .contiguous();
            const int64_t unit = scale / config_.patch;
            const at::Tensor pixels =
                decoder_.pixels(part, fine)
                    .narrow(1, (tile.y - tile.outerY) * unit, tile.height * unit)
                    .narrow(2, (tile.x - tile.outerX) * unit, tile.width * unit)
                    .contiguous()
                    .clamp_(-1, 1);
            unfoldPatches(pixels, config_.patch,
                          clip.narrow(1, written, pixels.size(0))
                              .narrow(2, tile.y * scale, tile.height * scale)
                              .narrow(3, tile.x * scale, tile.width * scale));
            written += pixels.size(0);
            if (tick) tick(++done, total);
        }
    }
}

}  // namespace derrumbe::model
