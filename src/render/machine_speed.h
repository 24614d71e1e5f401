#pragma once
#include <string>

namespace derrumbe::render {

/// "auto" becomes cuda where a card can be used, else cpu. Throws Error(Usage) for an unknown or
/// absent device.
std::string chooseDevice(const std::string& asked);

/// The same on a machine with that many cards.
std::string chooseDevice(const std::string& asked, int cards);

/// "auto" becomes float32 on a processor, bfloat16 on a card.
std::string chooseDtype(const std::string& asked, const std::string& device);

/// Threads of the tensor library; 0: one a processor that this process may use.
void setThreads(int threads);
int threadsInUse();

/// FLOP/s of a plain matrix product on that device, measured in about a quarter of a second: what
/// time estimates are scaled by.
double matmulRate(const std::string& device, const std::string& dtype);

}  // namespace derrumbe::render
