#pragma once
#include <string>
#include <string_view>

namespace derrumbe::text {

/// UTF-8 to code points. What is no UTF-8 (stray bytes, overlong forms, surrogates, beyond
/// U+10FFFF) becomes one U+FFFD a byte; `valid`, where given, says whether there was none of it.
std::u32string decodeUtf8(std::string_view bytes, bool* valid = nullptr);

/// Code points to UTF-8; surrogates and what is beyond U+10FFFF become U+FFFD.
std::string encodeUtf8(std::u32string_view text);

/// Whitespace as Python's str.isspace, \s and str.strip() understand it.
bool isSpace(char32_t character);

/// A letter, a number or an underscore, as Python's \w.
bool isWord(char32_t character);

/// A decimal digit of any script, as Python's \d.
bool isDigit(char32_t character);

/// Unicode normalisation form C.
std::u32string composed(std::u32string_view text);

}  // namespace derrumbe::text
