#pragma once
#include <string>
#include <string_view>

namespace derrumbe::text {

/// Python's html.unescape: named references of HTML5 (those that browsers take without a semicolon
/// too, longest name first), decimal and hexadecimal ones, with HTML5's replacements for the
/// numbers that are no characters.
std::u32string htmlUnescape(std::u32string_view text);

/// ftfy's more careful unescaping: only references that end in a semicolon, and in addition names
/// in capitals of letters that have one (&NTILDE;).
std::u32string unescapeStrictly(std::u32string_view text);

}  // namespace derrumbe::text
