#pragma once
#include <functional>

namespace derrumbe {

/// Runs work(0) to work(count - 1), begun in that order, up to `workers` (at least one) at the same
/// time. Once one throws, no further one is begun; those that run come to their end; then the
/// exception of the lowest number is thrown.
void inParallel(int count, int workers, const std::function<void(int)>& work);

}  // namespace derrumbe
