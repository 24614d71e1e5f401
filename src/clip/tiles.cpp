#include "clip/tiles.h"

#include <algorithm>
#include <cmath>

#include "clip/windows.h"

namespace derrumbe::clip {

namespace {

/// One axis of all tiles, each place once, in order.
std::vector<TimeWindow> axisOf(const std::vector<Tile>& tiles, int Tile::*first,
                               int Tile::*length) {
    std::vector<TimeWindow> axis;
    for (const Tile& tile : tiles) axis.push_back({tile.*first, tile.*length});
    const auto before = [](const TimeWindow& a, const TimeWindow& b) { return a.first < b.first; };
    std::sort(axis.begin(), axis.end(), before);
    axis.erase(std::unique(axis.begin(), axis.end()), axis.end());
    // blendWeights counts from 0.
    const int start = axis.empty() ? 0 : axis.front().first;
    for (TimeWindow& window : axis) window.first -= start;
    return axis;
}

}  // namespace

std::vector<Tile> planTiles(const Tile& area, int height, int width, int overlap) {
    std::vector<Tile> tiles;
    for (const TimeWindow& row : planWindows(area.height, height, overlap))
        for (const TimeWindow& column : planWindows(area.width, width, overlap))
            tiles.push_back({area.y + row.first, area.x + column.first, row.length, column.length});
    return tiles;
}

std::vector<std::vector<float>> tileWeights(const std::vector<Tile>& tiles) {
    const std::vector<std::vector<float>> rows =
                                              blendWeights(axisOf(tiles, &Tile::y, &Tile::height)),
                                          columns =
                                              blendWeights(axisOf(tiles, &Tile::x, &Tile::width));
    std::vector<std::vector<float>> all;
    for (size_t i = 0; i < tiles.size(); ++i) {
        const std::vector<float>&down = rows[i / columns.size()],
              &across = columns[i % columns.size()];
        std::vector<float>& weights = all.emplace_back();
        for (const float y : down)
            for (const float x : across) weights.push_back(y * x);
    }
    return all;
}

Tile coveredBy(const std::vector<Tile>& tiles) {
    if (tiles.empty()) return {};
    const Tile &first = tiles.front(), &last = tiles.back();
    return {first.y, first.x, last.bottom() - first.y, last.right() - first.x};
}

Span snappedSpan(double first, double last, int length, int least, int multiple) {
    const auto down = [&](double at) {
        return static_cast<int>(std::floor(at / multiple)) * multiple;
    };
    int from = std::clamp(down(first), 0, length), to = std::clamp(-down(-last), from, length);
    least = std::min(least, length);
    if (to - from < least) {
        from = std::clamp(down((from + to - least) / 2.0), 0, length - least);
        to = from + least;
    }
    return {from, to - from};
}

}  // namespace derrumbe::clip
