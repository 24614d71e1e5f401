#pragma once
#include <string>

namespace derrumbe::text {

/// A prompt as diffusers' Wan pipeline hands it to its tokenizer (pipeline_wan_vace.py,
/// prompt_clean): ftfy.fix_text, html.unescape twice, strip, every run of whitespace as one space.
///
/// Done of ftfy 6.3.1, line by line until nothing changes: HTML references with a semicolon (up to
/// the first line that holds a '<'), mojibake (mojibake.h), C1 controls, Latin ligatures, half- and
/// fullwidth forms, curly quotes to straight ones, line breaks, ANSI escapes, control characters
/// and byte order marks removed, NFC. Not done: lines of above a million characters are not cut.
/// Differs: input that is no UTF-8 has U+FFFD in the place of each bad byte (Python's strings
/// cannot hold such bytes); NFC and letter classes are of utf8proc's Unicode version, not of
/// Python's.
std::string cleanPrompt(const std::string& prompt);

/// The ftfy.fix_text part alone.
std::u32string fixText(const std::u32string& text);

}  // namespace derrumbe::text
