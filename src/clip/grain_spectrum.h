#pragma once
#include <array>

#include "clip/grain.h"

namespace derrumbe::clip {

/// The filter that gives white noise an autocorrelation: the root of its spectrum (what noise makes
/// negative is 0), cut to grainReach pixels and scaled so that its squares sum to 1.
/// @param correlation [grainSpan][grainSpan], 1 in the middle, the same on both sides of it
std::array<float, grainSpan * grainSpan> kernelFor(
    const std::array<double, grainSpan * grainSpan>& correlation);

/// The lower triangular root (Cholesky) of a correlation matrix of which the part below the
/// diagonal is read; what measuring made impossible is brought back to rows of length 1.
std::array<std::array<float, 3>, 3> mixFor(const std::array<std::array<double, 3>, 3>& correlation);

}  // namespace derrumbe::clip
