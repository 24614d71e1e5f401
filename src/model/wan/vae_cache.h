#pragma once
#include <ATen/ATen.h>

#include <cstddef>
#include <cstdint>
#include <deque>

namespace derrumbe::model {

/// What the causal layers of one encoder or decoder remember between the chunks of one clip: a slot
/// a layer, in visiting order, holding the last one or two frames of the layer's input. Its size
/// does not depend on the clip's length.
class VaeCache {
  public:
    /// The next layer's slot; undefined before the first chunk.
    at::Tensor& next() {
        if (position_ == slots_.size()) slots_.emplace_back();
        return slots_[position_++];
    }
    /// Back to the first layer, before every chunk, or to one that was at `position()`.
    void rewind(size_t position = 0) { position_ = position; }
    /// Where the next layer's slot is.
    size_t position() const { return position_; }

    size_t slots() const { return slots_.size(); }
    int64_t bytes() const {
        int64_t sum = 0;
        for (const at::Tensor& slot : slots_)
            if (slot.defined()) sum += static_cast<int64_t>(slot.nbytes());
        return sum;
    }

  private:
    std::deque<at::Tensor> slots_;  ///< a deque: references stay valid while it grows
    size_t position_ = 0;
};

}  // namespace derrumbe::model
