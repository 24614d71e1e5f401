#include "model/wan/vae_blocks.h"

#include "model/layers/attention.h"

namespace derrumbe::model {

at::Tensor normedConv(const ChannelNorm& norm, const CausalConv3d& conv, const at::Tensor& x,
                      VaeCache& cache) {
    at::Tensor& slot = cache.next();
    const bool lone = !slot.defined() && x.size(0) == 1;
    const CausalInput input(x.sizes(), x.options().dtype(conv.reads()), slot, conv.history());
    norm.siluInto(x, input.chunk());
    const at::Tensor frames = input.close(slot);
    return lone ? conv.runFirst(input.chunk()) : conv.run(frames);
}

VaeResidualBlock::VaeResidualBlock(const Weights& weights, int64_t in, int64_t out)
    : norm1_(weights / "norm1", in, 3),
      norm2_(weights / "norm2", out, 3),
      conv1_(weights / "conv1", in, out, {3, 3, 3}),
      conv2_(weights / "conv2", out, out, {3, 3, 3}) {
    if (in != out) shortcut_ = PointConv(weights / "conv_shortcut", in, out, 3);
}

at::Tensor VaeResidualBlock::operator()(const at::Tensor& x, VaeCache& cache) const {
    at::Tensor y = normedConv(norm1_, conv1_, x, cache);
    y = normedConv(norm2_, conv2_, y, cache);
    return y.add_(shortcut_.defined() ? shortcut_(x) : x);
}

VaeAttention::VaeAttention(const Weights& weights, int64_t channels)
    : norm_(weights / "norm", channels, 2),
      qkv_(weights / "to_qkv", channels, 3 * channels, 2),
      project_(weights / "proj", channels, channels, 2) {}

at::Tensor VaeAttention::operator()(const at::Tensor& x) const {
    // [T, 1 head, H * W, 3 C]
    const at::Tensor qkv = qkv_(norm_(x)).flatten(1, 2).unsqueeze(1);
    const auto parts = qkv.chunk(3, -1);
    const at::Tensor mixed = attention(parts[0], parts[1], parts[2]);
    return project_(mixed.reshape(x.sizes())).add_(x);
}

VaeMiddle::VaeMiddle(const Weights& weights, int64_t channels)
    : first_(weights / "resnets.0", channels, channels),
      attention_(weights / "attentions.0", channels),
      second_(weights / "resnets.1", channels, channels) {}

at::Tensor VaeMiddle::operator()(const at::Tensor& x, VaeCache& cache) const {
    return second_(attention_(first_(x, cache)), cache);
}

VaeDownsample::VaeDownsample(const Weights& weights, int64_t channels, bool time)
    : conv_(weights / "resample.1", channels, channels) {
    if (time)
        time_.emplace(weights / "time_conv", channels, channels, std::array<int64_t, 3>{3, 1, 1},
                      2);
}

at::Tensor VaeDownsample::operator()(const at::Tensor& x, VaeCache& cache) const {
    const at::Tensor small = conv_.halve(x);
    if (!time_) return small;
    at::Tensor& slot = cache.next();
    const bool first = !slot.defined();
    // Stride 2: only one frame of the chunk before is looked at.
    const at::Tensor joined = first ? small : at::cat({slot, small});
    slot = small.narrow(0, small.size(0) - 1, 1).clone();
    return first ? small : time_->run(joined);
}

VaeUpsample::VaeUpsample(const Weights& weights, int64_t in, int64_t out, bool time)
    : conv_(weights / "resample.1", in, out) {
    if (time) time_.emplace(weights / "time_conv", in, 2 * in, std::array<int64_t, 3>{3, 1, 1});
}

at::Tensor VaeUpsample::operator()(const at::Tensor& x, VaeCache& cache) const {
    if (!time_) return conv_(x);
    at::Tensor& slot = cache.next();
    const int64_t frames = x.size(0), height = x.size(1), width = x.size(2), channels = x.size(3);
    if (!slot.defined()) {
        slot = at::zeros({time_->history(), height, width, channels}, x.options());
        return conv_(x);
    }
    // The doubled channels are two frames: [T, H, W, 2, C] to [2 T, H, W, C].
    const at::Tensor doubled = (*time_)(x, slot)
                                   .view({frames, height, width, 2, channels})
                                   .permute({0, 3, 1, 2, 4})
                                   .reshape({2 * frames, height, width, channels});
    return conv_(doubled);
}

at::Tensor foldMean(const at::Tensor& x, int64_t out, int64_t timeFactor, int64_t spaceFactor) {
    const int64_t channels = x.size(3);
    int64_t group = channels * timeFactor * spaceFactor * spaceFactor / out;
    at::Tensor y = x;
    if (y.size(0) % timeFactor != 0) {
        const int64_t missing = timeFactor - y.size(0) % timeFactor;
        y = at::cat({at::zeros({missing, y.size(1), y.size(2), channels}, y.options()), y});
    }
    // Groups run over (channel, time, row, column), column fastest: where a group holds whole 2x2
    // squares, they are averaged first, which is the bulk of the work and stays channels last.
    int64_t space = spaceFactor;
    if (space > 1 && group % (space * space) == 0) {
        y = at::avg_pool2d(y.permute({0, 3, 1, 2}), {space, space}).permute({0, 2, 3, 1});
        group /= space * space;
        space = 1;
    }
    const int64_t frames = y.size(0) / timeFactor;
    const int64_t height = y.size(1) / space, width = y.size(2) / space;
    if (timeFactor == 1 && space == 1 && group == 1) return y;
    y = y.contiguous()
            .view({frames, timeFactor, height, space, width, space, channels})
            .permute({0, 2, 4, 6, 1, 3, 5})
            .reshape({frames, height, width, out, group});
    return group == 1 ? y.squeeze(-1) : y.mean(-1);
}

void addUnfolded(const at::Tensor& y, const at::Tensor& x, int64_t timeFactor) {
    const int64_t out = y.size(3), channels = x.size(3), factor = timeFactor * 4;
    const int64_t repeats = out * factor / channels;
    const int64_t frames = x.size(0), height = x.size(1), width = x.size(2);
    at::Tensor source;  // [T, ft, H, 2, W, 2, out], or broadcast to it
    if (repeats == factor) {
        source = x.view({frames, 1, height, 1, width, 1, out})
                     .expand({frames, timeFactor, height, 2, width, 2, out});
    } else {
        source = x.repeat_interleave(repeats, 3)
                     .view({frames, height, width, out, timeFactor, 2, 2})
                     .permute({0, 4, 1, 5, 2, 6, 3});
    }
    const bool first = y.size(0) != frames * timeFactor;
    if (first) source = source.narrow(1, timeFactor - 1, 1);
    y.view({frames, first ? 1 : timeFactor, height, 2, width, 2, out}).add_(source);
}

}  // namespace derrumbe::model
