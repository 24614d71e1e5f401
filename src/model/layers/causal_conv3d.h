#pragma once
#include <ATen/ATen.h>

#include <array>
#include <cstdint>

#include "model/weights/weights.h"

namespace derrumbe::model {

// Convolutions over clips stored as [T, H, W, C], channels last: frames are contiguous, so that
// history is prepended by copying frames only, a 1x1 convolution is a matrix product, and the
// library kernels (oneDNN, cuDNN) read their preferred layout without conversion.
//
// What they multiply, frames and weights, is in the dtype that Weights::convolutions() says, summed
// in float32; what they are given and return is in dtype(), biases are added in it. Bfloat16 within
// a float32 model: each product's sides are off by a 512th at most, and what is added to a result
// after that is not.

/// The frames a causal convolution sees: a chunk behind the last frames of the chunk before it. The
/// chunk is written straight into `chunk()`, which saves the reference's cat and pad copies.
class CausalInput {
  public:
    /// Room for [frames, height, width, channels] behind `history` frames. `slot` holds what the
    /// earlier chunk left (undefined: zeros, the clip's beginning).
    CausalInput(at::IntArrayRef chunkShape, const at::TensorOptions& options,
                const at::Tensor& slot, int64_t history);

    /// Where the chunk's frames go, converted: [T, H, W, C], a view.
    const at::Tensor& chunk() const { return chunk_; }
    /// History and chunk, [history + T, H, W, C]; keeps a copy of the last `history` frames in
    /// `slot` for the next chunk.
    at::Tensor close(at::Tensor& slot) const;

  private:
    at::Tensor all_, chunk_;
    int64_t history_ = 0;
};

/// A 3-D convolution that sees no later frame (diffusers:autoencoder_kl_wan.py, WanCausalConv3d).
/// Height and width are zero-padded by half the kernel. Keys: weight [out, in, kt, kh, kw], bias.
class CausalConv3d {
  public:
    CausalConv3d() = default;
    CausalConv3d(const Weights& weights, int64_t in, int64_t out, std::array<int64_t, 3> kernel,
                 int64_t timeStride = 1);

    /// Frames of history it looks back on: kt - 1.
    int64_t history() const { return kernel_[0] - 1; }
    /// What it multiplies frames in: given so, they are not copied.
    at::ScalarType reads() const { return weight_.scalar_type(); }

    /// A chunk [T, H, W, in] after what `slot` remembers, to [T, H, W, out]; `slot` then remembers
    /// this chunk's end.
    at::Tensor operator()(const at::Tensor& chunk, at::Tensor& slot) const;

    /// Frames that already hold their history, [history + n, H, W, in].
    at::Tensor run(const at::Tensor& frames) const;

    /// A lone first frame [1, H, W, in]: its history is zeros, so only the kernel's last time step
    /// counts.
    at::Tensor runFirst(const at::Tensor& frame) const;

  private:
    at::Tensor weight_, bias_;  ///< the bias is in dtype()
    std::array<int64_t, 3> kernel_{1, 1, 1};
    int64_t timeStride_ = 1;
};

/// A 3x3 convolution of every frame. Keys: weight [out, in, 3, 3], bias.
class FrameConv {
  public:
    FrameConv() = default;
    FrameConv(const Weights& weights, int64_t in, int64_t out);

    /// Halves height and width (rounding down): one zero row below and one zero column at the
    /// right, stride 2. [T, H, W, in] to [T, H/2, W/2, out].
    at::Tensor halve(const at::Tensor& x) const;

  private:
    at::Tensor weight_, bias_;
};

/// Doubles height and width by repeating pixels and convolves the result 3x3 with zero padding, in
/// one: every output pixel sees only 2x2 different inputs, so the 9 taps are summed into 4 for each
/// of the four positions inside a repeated pixel (same result, 16 products instead of 36).
/// Keys: weight [out, in, 3, 3], bias.
class DoublingConv {
  public:
    DoublingConv() = default;
    DoublingConv(const Weights& weights, int64_t in, int64_t out);

    /// [T, H, W, in] to [T, 2H, 2W, out].
    at::Tensor operator()(const at::Tensor& x) const;

  private:
    at::Tensor weight_, bias_;  ///< [4 out, in, 2, 2]: position (row, column) first, then channel
    int64_t out_ = 0;
};

/// A 1x1 (1x1x1) convolution as a matrix product over the channels.
/// @param dimensions  2 or 3: the weight's trailing ones in the file. Keys: weight, bias.
class PointConv {
  public:
    PointConv() = default;
    PointConv(const Weights& weights, int64_t in, int64_t out, int dimensions);
    at::Tensor operator()(const at::Tensor& x) const { return at::linear(x, weight_, bias_); }
    /// Only the first `count` output channels.
    PointConv firstOutputs(int64_t count) const;
    bool defined() const { return weight_.defined(); }

  private:
    at::Tensor weight_, bias_;
};

/// Throws Error(Usage) where the device has no convolutions of bfloat16 that are faster than those
/// of float32.
void requireBfloat16Convolutions(at::Device device);

}  // namespace derrumbe::model
