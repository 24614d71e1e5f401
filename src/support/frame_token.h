#pragma once
#include <string>

namespace derrumbe {

/// The place of the frame's number in a path.
struct FrameToken {
    size_t begin = std::string::npos;  ///< npos: there is none, the path is a single file
    size_t end = 0;                    ///< one past its last character
    int width = 0;                     ///< digits, 1..32

    bool there() const { return begin != std::string::npos; }
};

/// Finds it: the last token of the file NAME counts, folders are never looked at.
/// | token     | digits                                            |
/// |-----------|---------------------------------------------------|
/// | `##`...   | two or more: that many                            |
/// | `#`       | four                                              |
/// | `@`, `@@` | one each                                          |
/// | `%04d`    | as the number says, `%d`: as many as needed       |
/// | `$F4`     | as the number says, `$F`: as many as needed       |
/// Everything else is plain text (`%s`, a lone `%`, `$FF`, more than 32 digits).
FrameToken findFrameToken(const std::string& path);

}  // namespace derrumbe
