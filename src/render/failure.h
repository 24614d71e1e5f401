#pragma once
#include <exception>

#include "support/error.h"

namespace derrumbe::render {

/// Any exception as the project's error. Memory that ran out, host or card, comes from the tensor
/// library as an error of its own type; the farm must hear code 33 to give more. Whatever else is
/// no Error is a bug.
Error asError(const std::exception& failure);

}  // namespace derrumbe::render
