#include "render/tensor_bridge.h"

#include <cstring>

namespace derrumbe::render {

at::Tensor tensorFromClip(const Clip& clip) {
    at::Tensor video = at::empty({1, 3, clip.frames, clip.height, clip.width}, at::kFloat);
    std::memcpy(video.data_ptr<float>(), clip.values.data(), clip.values.size() * sizeof(float));
    return video;
}

at::Tensor tensorFromMask(const ClipMask& mask) {
    at::Tensor values = at::empty({1, 1, mask.frames, mask.height, mask.width}, at::kFloat);
    std::memcpy(values.data_ptr<float>(), mask.values.data(), mask.values.size() * sizeof(float));
    return values;
}

Clip clipFromTensor(const at::Tensor& video) {
    const at::Tensor plain = video.to(at::kCPU, at::kFloat).clamp(-1, 1).contiguous();
    Clip clip{static_cast<int>(plain.size(2)),
              static_cast<int>(plain.size(3)),
              static_cast<int>(plain.size(4)),
              {}};
    clip.values.assign(plain.data_ptr<float>(), plain.data_ptr<float>() + plain.numel());
    return clip;
}

}  // namespace derrumbe::render
