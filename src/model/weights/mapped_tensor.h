#pragma once
#include <ATen/ATen.h>

#include <memory>

#include "model/weights/mapped_file.h"

namespace derrumbe::model {

/// The values at `offset` of a mapped file, which the caller has checked to hold them. The tensor
/// shares the read-only mapping and keeps it alive, and its pages leave this process with its last
/// copy; where the data is not aligned for its type, or
/// is of booleans (a byte of a file may be neither 0 nor 1), it is a copy.
at::Tensor mappedTensor(const std::shared_ptr<MappedFile>& file, uint64_t offset,
                        at::ScalarType type, at::IntArrayRef shape);

}  // namespace derrumbe::model
