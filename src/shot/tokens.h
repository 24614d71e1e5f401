#pragma once
#include <string>

#include "shot/shot.h"

namespace derrumbe::shot {

/// Replaces {show}, {name}, {take} and {take:N} (at least N digits, 1..9) in an output path.
/// Throws Error(Usage) for an unknown token, an open brace, and {show} where the shot names no
/// show.
std::string replaceTokens(const std::string& path, const Identity& shot);

/// The path with its frame number's place written in one form, so that `a.####.exr` and
/// `a.%04d.exr` compare equal (the width is left out: a wider one names the same file for a long
/// enough number).
std::string framePattern(const std::string& path);

}  // namespace derrumbe::shot
