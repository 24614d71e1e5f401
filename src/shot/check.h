#pragma once
#include "shot/shot.h"

namespace derrumbe::shot {

/// Fills in the output paths' defaults, replaces their tokens, and refuses those that leave the
/// shot's folder without being absolute.
void resolveOutputs(Shot& shot, Problems& problems);

/// What no single key can know: values that contradict one another.
void checkShot(const Shot& shot, Problems& problems);

}  // namespace derrumbe::shot
