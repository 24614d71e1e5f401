#pragma once
#include <ATen/ATen.h>

#include <cstdint>

namespace derrumbe::bench {

/// Waits until the device has done all that was asked of it; nothing on the CPU.
void synchronise(at::Device device);

/// Seconds on a clock that only goes forward.
double now();

/// The most memory that this process has held, bytes.
std::int64_t peakResident();
/// The most memory that tensors have held on a GPU, bytes; 0 on the CPU.
std::int64_t peakOnDevice(at::Device device);

/// Operations a second of a plain product of two square matrices, the median of five: what there is
/// to be reached. Its matrices do not count as memory that the device has held.
double matmulRate(at::Device device, at::ScalarType dtype);

}  // namespace derrumbe::bench
