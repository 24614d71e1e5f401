#pragma once
#include <string>
#include <string_view>

namespace derrumbe::text {

/// Undoes text that was UTF-8 once and was then read as Latin-1, Windows-1252, -1251, -1250, -1253,
/// -1254, -1257, ISO 8859-2, Mac Roman or code page 437 ("construcciÃ³n"), as often as that
/// happened. Text that does not look like it comes back as it was.
///
/// A port of ftfy 6.3.1's fix_encoding (Robyn Speer, Apache-2.0), its heuristics taken over as
/// tables: the same sequences count as unlikely, the encodings are tried in the same order, lost
/// bytes (no-break space as space, U+FFFD) are put back by the same rules.
std::u32string fixEncoding(std::u32string_view text);

/// C1 control characters as the Windows-1252 characters of the same byte.
std::u32string fixC1Controls(std::u32string_view text);

/// Latin ligatures and digraphs as their letters; half- and fullwidth forms as the usual ones.
std::u32string fixLigaturesAndWidths(std::u32string_view text);

}  // namespace derrumbe::text
