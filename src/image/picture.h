#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace derrumbe::image {

/// A display-referred picture for people's eyes: 8-bit RGB, rows from the top.
struct Picture {
    int width = 0, height = 0;
    std::vector<std::uint8_t> rgb;  ///< [height][width][3]

    static Picture filled(int width, int height, std::uint8_t grey);
    std::uint8_t* at(int x, int y) { return rgb.data() + (static_cast<size_t>(y) * width + x) * 3; }
};

/// Copies `from` into `into` with its upper left corner at x, y; what falls outside is cut.
void paste(Picture& into, const Picture& from, int x, int y);

/// The one to the left of the other, of the greater height.
Picture beside(const Picture& left, const Picture& right);

/// Writes text in a built-in 3 by 5 pixel font, `size` times enlarged, white on a dark ground, so
/// that no font file is needed. Letters become capitals; what the font lacks becomes a space.
void drawLabel(Picture& picture, int x, int y, const std::string& text, int size);

/// Writes a PNG, whole or not at all. Throws Error(Output).
void writePng(const std::filesystem::path& path, const Picture& picture);

}  // namespace derrumbe::image
