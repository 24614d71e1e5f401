#pragma once
#include <string>
#include <string_view>

namespace derrumbe::shot {

/// What makes `text` unfit, as a short phrase that names the place ("control character U+0007 at
/// byte 12"), or empty. Unfit: bytes that are not UTF-8, and control characters (C0, DEL, C1, line
/// and paragraph separators), which could rewrite a terminal or a log line. `lines` lets tab, line
/// feed and carriage return pass.
std::string characterProblem(std::string_view text, bool lines);

/// `text` in quotes for a message: shortened, anything unprintable as `?`.
std::string shown(std::string_view text);

}  // namespace derrumbe::shot
