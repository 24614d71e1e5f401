#include "model/layers/causal_conv3d.h"

#include <optional>
#include <string>
#include <vector>

#include "support/error.h"
#include "support/processor.h"
#include "support/strings.h"

namespace derrumbe::model {

namespace {

/// [T, H, W, C] as the [1, C, T, H, W] that convolutions take, in channels_last_3d, a view.
at::Tensor asVolume(const at::Tensor& x) {
    // unsqueeze before permute: the batch stride then is the whole size, which the check for
    // channels_last_3d asks for
    return x.unsqueeze(0).permute({0, 4, 1, 2, 3});
}

/// The inverse, [T, H, W, C]; copies only where a kernel did not keep the layout.
at::Tensor asFrames(const at::Tensor& volume) {
    return volume.permute({0, 2, 3, 4, 1}).squeeze(0).contiguous();
}

/// Weights as convolutions multiply them, channels last.
at::Tensor asMultiplied(const at::Tensor& weight, const Weights& weights) {
    return weight.to(weights.convolutions())
        .contiguous(weight.dim() == 4 ? at::MemoryFormat::ChannelsLast
                                      : at::MemoryFormat::ChannelsLast3d);
}

/// The convolution of channels-last float32 on the CPU by oneDNN always: ATen takes its own kernel,
/// several times slower, where batch * channels * frames * rows is 20480 or less
/// (torch 2.13:aten/src/ATen/native/Convolution.cpp, ConvParams::use_mkldnn). So of bfloat16, where
/// the processor multiplies that.
/// @param x,weight [N, C, ...], [out, C, ...] of two or three spatial dimensions, of one dtype
at::Tensor multiply(const at::Tensor& x, const at::Tensor& weight,
                    const std::optional<at::Tensor>& bias, at::IntArrayRef stride,
                    at::IntArrayRef padding) {
    const bool flat = x.dim() == 4;
    const bool able =
        x.scalar_type() == at::kFloat ||
        (x.scalar_type() == at::kBFloat16 && bfloat16Products() != Bfloat16Products::None);
    if (x.is_cpu() && able && at::globalContext().userEnabledMkldnn() && at::hasMKLDNN())
        return at::mkldnn_convolution(x, weight, bias, padding, stride,
                                      flat ? at::IntArrayRef{1, 1} : at::IntArrayRef{1, 1, 1}, 1);
    return flat ? at::conv2d(x, weight, bias, stride, padding)
                : at::conv3d(x, weight, bias, stride, padding);
}

/// The same of x in any dtype, in the bias', which is added in it.
at::Tensor convolve(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                    at::IntArrayRef stride, at::IntArrayRef padding) {
    const at::Tensor read = x.to(weight.scalar_type());
    if (weight.scalar_type() == bias.scalar_type())
        return multiply(read, weight, bias, stride, padding);
    std::vector<int64_t> channels(static_cast<size_t>(x.dim()), 1);
    channels[1] = -1;
    return at::add(multiply(read, weight, {}, stride, padding), bias.view(channels));
}

}  // namespace

CausalInput::CausalInput(at::IntArrayRef chunkShape, const at::TensorOptions& options,
                         const at::Tensor& slot, int64_t history)
    : history_(history) {
    std::vector<int64_t> shape = chunkShape.vec();
    shape[0] += history;
    all_ = at::empty(shape, options);
    if (history > 0) {
        at::Tensor before = all_.narrow(0, 0, history);
        if (slot.defined())
            before.copy_(slot);
        else
            before.zero_();
    }
    chunk_ = all_.narrow(0, history, chunkShape[0]);
}

at::Tensor CausalInput::close(at::Tensor& slot) const {
    if (history_ == 0) return all_;
    const at::Tensor last = all_.narrow(0, all_.size(0) - history_, history_);
    if (slot.defined())
        slot.copy_(last);
    else
        slot = last.clone();
    return all_;
}

CausalConv3d::CausalConv3d(const Weights& weights, int64_t in, int64_t out,
                           std::array<int64_t, 3> kernel, int64_t timeStride)
    : weight_(asMultiplied(weights.tensor("weight", {out, in, kernel[0], kernel[1], kernel[2]}),
                           weights)),
      bias_(weights.tensor("bias", {out})),
      kernel_(kernel),
      timeStride_(timeStride) {}

at::Tensor CausalConv3d::operator()(const at::Tensor& chunk, at::Tensor& slot) const {
    const CausalInput input(chunk.sizes(), chunk.options().dtype(reads()), slot, history());
    input.chunk().copy_(chunk);
    const bool lone = !slot.defined() && chunk.size(0) == 1;
    const at::Tensor frames = input.close(slot);
    return lone ? runFirst(chunk) : run(frames);
}

at::Tensor CausalConv3d::run(const at::Tensor& frames) const {
    return asFrames(convolve(asVolume(frames), weight_, bias_, {timeStride_, 1, 1},
                             {0, kernel_[1] / 2, kernel_[2] / 2}));
}

at::Tensor CausalConv3d::runFirst(const at::Tensor& frame) const {
    const at::Tensor last = weight_.select(2, kernel_[0] - 1);
    return convolve(frame.permute({0, 3, 1, 2}), last, bias_, {1, 1},
                    {kernel_[1] / 2, kernel_[2] / 2})
        .permute({0, 2, 3, 1})
        .contiguous();
}

FrameConv::FrameConv(const Weights& weights, int64_t in, int64_t out)
    : weight_(asMultiplied(weights.tensor("weight", {out, in, 3, 3}), weights)),
      bias_(weights.tensor("bias", {out})) {}

at::Tensor FrameConv::halve(const at::Tensor& x) const {
    const int64_t frames = x.size(0), height = x.size(1), width = x.size(2);
    at::Tensor padded = at::empty({frames, height + 1, width + 1, x.size(3)},
                                  x.options().dtype(weight_.scalar_type()));
    padded.narrow(1, height, 1).zero_();
    padded.narrow(2, width, 1).zero_();
    padded.narrow(1, 0, height).narrow(2, 0, width).copy_(x);
    return convolve(padded.permute({0, 3, 1, 2}), weight_, bias_, {2, 2}, {0, 0})
        .permute({0, 2, 3, 1})
        .contiguous();
}

DoublingConv::DoublingConv(const Weights& weights, int64_t in, int64_t out) : out_(out) {
    const at::Tensor weight = weights.tensor("weight", {out, in, 3, 3}, at::kFloat);
    // Row 2y looks at repeated rows 2y-1, 2y, 2y+1, which are inputs y-1, y, y; row 2y+1 at y, y,
    // y+1.
    const auto folded = [](const at::Tensor& w, int64_t axis, int64_t position) {
        const at::Tensor a = w.narrow(axis, 0, 1), b = w.narrow(axis, 1, 1),
                         c = w.narrow(axis, 2, 1);
        return position == 0 ? at::cat({a, b + c}, axis) : at::cat({a + b, c}, axis);
    };
    std::vector<at::Tensor> positions;
    for (int64_t row = 0; row < 2; ++row)
        for (int64_t column = 0; column < 2; ++column)
            positions.push_back(folded(folded(weight, 2, row), 3, column));
    weight_ = asMultiplied(at::cat(positions, 0), weights);
    bias_ = weights.tensor("bias", {out}).repeat({4});
}

at::Tensor DoublingConv::operator()(const at::Tensor& x) const {
    const int64_t frames = x.size(0), height = x.size(1), width = x.size(2);
    // [T, H+1, W+1, 4 out]: entry (y, x) has seen inputs y-1..y and x-1..x
    const at::Tensor sums =
        convolve(x.permute({0, 3, 1, 2}), weight_, bias_, {1, 1}, {1, 1}).permute({0, 2, 3, 1});
    at::Tensor result = at::empty({frames, height, 2, width, 2, out_}, x.options());
    for (int64_t row = 0; row < 2; ++row)
        for (int64_t column = 0; column < 2; ++column)
            result.select(2, row).select(3, column).copy_(
                sums.narrow(1, row, height)
                    .narrow(2, column, width)
                    .narrow(3, (2 * row + column) * out_, out_));
    return result.view({frames, 2 * height, 2 * width, out_});
}

void requireBfloat16Convolutions(at::Device device) {
    std::string why;
    if (device.is_cpu()) {
        if (bfloat16Products() != Bfloat16Products::None) return;
        why = "this processor has neither AVX-512 BF16 nor AMX";
    } else {
        try {
            const at::Tensor x =
                at::ones({1, 16, 3, 3, 3}, at::TensorOptions(at::kBFloat16).device(device));
            at::conv3d(x, x).sum().item<float>();
            return;
        } catch (const c10::Error& error) {
            why = error.what_without_backtrace();
        }
    }
    throw Error(ExitCode::Usage, cat("model.vae_dtype=bfloat16 is of no use on ", device.str(),
                                     ": ", why, "; use float32"));
}

PointConv::PointConv(const Weights& weights, int64_t in, int64_t out, int dimensions) {
    std::vector<int64_t> shape{out, in};
    shape.resize(2 + dimensions, 1);
    weight_ = weights.tensor("weight", shape).reshape({out, in});
    bias_ = weights.tensor("bias", {out});
}

PointConv PointConv::firstOutputs(int64_t count) const {
    PointConv part = *this;
    part.weight_ = weight_.narrow(0, 0, count);
    part.bias_ = bias_.narrow(0, 0, count);
    return part;
}

}  // namespace derrumbe::model
