#pragma once
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace derrumbe {

/// Joins values into one string: `cat("frame ", 12, " of ", n)`. For folders that must not see fmt
/// (its version differs between LibTorch's wheel and the distribution).
template <class... Values>
std::string cat(const Values&... values) {
    std::ostringstream out;
    (out << ... << values);
    return out.str();
}

/// `text` for an XML or HTML text or attribute: & < > and both quotes by their names, a line break
/// as a reference; other control characters, which XML 1.0 cannot hold, are left out.
std::string markupEscaped(std::string_view text);

/// The candidate nearest to `word` by edit distance, or empty when none is near enough to be a
/// typo.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace derrumbe
