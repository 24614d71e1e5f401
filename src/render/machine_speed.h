#pragma once
#include <string>

#include "support/processor.h"

namespace derrumbe::render {

/// "auto" becomes cuda where a card can be used, else cpu. Throws Error(Usage) for an unknown or
/// absent device.
std::string chooseDevice(const std::string& asked);

/// The same on a machine with that many cards.
std::string chooseDevice(const std::string& asked, int cards);

/// "auto" becomes bfloat16 on a card, and on a processor that multiplies it where the model's
/// weights are bfloat16 (so that nothing which they say is lost); else float32.
std::string chooseDtype(const std::string& asked, const std::string& device, bool bfloat16Weights,
                        Bfloat16Products products = bfloat16Products());

/// Threads of the tensor library; 0: one a processor that this process may use.
void setThreads(int threads);
int threadsInUse();

}  // namespace derrumbe::render
