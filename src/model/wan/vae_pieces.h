#pragma once
#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "model/description.h"
#include "model/wan/vae_cache.h"

namespace derrumbe::model {

/// `work` on a chunk [T, H, W, C], `frames` at a time; each piece is a chunk of its own to the
/// layers' memory. The same result to the rounding of convolutions of another length.
template <class Work>
at::Tensor inPieces(const at::Tensor& chunk, int64_t frames, VaeCache& cache, const Work& work) {
    const size_t first = cache.position();
    std::vector<at::Tensor> pieces;
    for (const at::Tensor& piece : chunk.split(frames)) {
        cache.rewind(first);
        pieces.push_back(work(piece));
    }
    return pieces.size() == 1 ? pieces.front() : at::cat(pieces);
}

}  // namespace derrumbe::model
