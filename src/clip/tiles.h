#pragma once
#include <vector>

namespace derrumbe::clip {

/// A part of a picture, in latents.
struct Tile {
    int y = 0, x = 0, height = 0, width = 0;

    int bottom() const { return y + height; }
    int right() const { return x + width; }
    bool operator==(const Tile&) const = default;
};

/// Overlapping tiles that cover `area`, rows first, all of the same size: each axis as planWindows
/// lays out time, the last tile slid back to end with the area. A tile that is larger than the area
/// becomes as large as that.
std::vector<Tile> planTiles(const Tile& area, int height, int width, int overlap);

/// How much each tile counts at each of its places, [tile][height * width]: rising linearly over
/// the overlap with its neighbours, flat at the area's own edges. At every place of the area the
/// tiles' weights add up to 1.
std::vector<std::vector<float>> tileWeights(const std::vector<Tile>& tiles);

/// What all tiles cover together.
Tile coveredBy(const std::vector<Tile>& tiles);

/// `part` of an axis of `length`, in steps of `multiple`, grown about its middle to `least` as far
/// as the axis goes.
struct Span {
    int first = 0, length = 0;

    bool operator==(const Span&) const = default;
};
Span snappedSpan(double first, double last, int length, int least, int multiple);

}  // namespace derrumbe::clip
