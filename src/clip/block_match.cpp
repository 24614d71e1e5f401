#include "clip/block_match.h"

#include <algorithm>
#include <cmath>

#include "clip/smooth.h"

namespace derrumbe::clip {
namespace {

/// Sums are kept for each column, so that the compiler adds whole lines at once.
float sumOf(const std::array<float, kBlock>& columns) {
    float sum = 0;
    for (const float column : columns) sum += column;
    return sum;
}

}  // namespace

Planes planesToMatch(const Clip& clip, int frame, int factor) {
    Planes planes{clip.height / factor, clip.width / factor, {}};
    std::vector<float> line;
    for (int c = 0; c < 3; ++c) {
        const float* from = clip.plane(c, frame);
        std::vector<float>& to = planes.values[c];
        to.assign(static_cast<size_t>(planes.height) * planes.width, 0);
        for (int y = 0; y < planes.height * factor; ++y)
            for (int x = 0; x < planes.width * factor; ++x) {
                const float value = from[static_cast<size_t>(y) * clip.width + x];
                if (std::isfinite(value))
                    to[static_cast<size_t>(y / factor) * planes.width + x / factor] += value;
            }
        for (float& value : to) value /= static_cast<float>(factor * factor);
        smoothPlane(to.data(), planes.height, planes.width, 2, line);
    }
    return planes;
}

Block blockAt(const Planes& planes, int x, int y) {
    Block block;
    for (int c = 0; c < 3; ++c) {
        std::array<float, kBlock* kBlock>& values = block.values[c];
        float mean = 0;
        for (int dy = 0; dy < kBlock; ++dy)
            for (int dx = 0; dx < kBlock; ++dx) {
                const size_t at =
                    static_cast<size_t>(y - kHalfBlock + dy) * planes.width + x - kHalfBlock + dx;
                mean += values[static_cast<size_t>(dy) * kBlock + dx] = planes.values[c][at];
            }
        mean /= kBlockPixels;
        for (float& value : values) {
            value -= mean;
            block.variance += value * value / kBlockPixels;
        }
    }
    return block;
}

Match match(const Block& block, const Planes& made, int x, int y) {
    float together = 0, own = 0;
    for (int c = 0; c < 3; ++c) {
        std::array<float, kBlock> sum{}, squares{}, products{};
        for (int dy = 0; dy < kBlock; ++dy) {
            const float* line = made.values[c].data() +
                                static_cast<size_t>(y - kHalfBlock + dy) * made.width + x -
                                kHalfBlock;
            const float* known = block.values[c].data() + static_cast<size_t>(dy) * kBlock;
            for (int dx = 0; dx < kBlock; ++dx) {
                sum[dx] += line[dx];
                squares[dx] += line[dx] * line[dx];
                products[dx] += line[dx] * known[dx];
            }
        }
        const float mean = sumOf(sum) / kBlockPixels;
        together += sumOf(products) / kBlockPixels;
        own += std::max(0.f, sumOf(squares) / kBlockPixels - mean * mean);
    }
    const float found = together / (std::sqrt(own * block.variance) + 1e-6f);
    return found > -1 ? Match{found, own} : Match{};
}

std::array<float, 2> withinPixel(const Block& block, const Planes& made, int x, int y) {
    if (x <= kHalfBlock || y <= kHalfBlock || x + kHalfBlock + 1 >= made.width ||
        y + kHalfBlock + 1 >= made.height)
        return {0, 0};
    float xx = 0, xy = 0, yy = 0, right = 0, down = 0, together = 0, known = 1e-6f;
    const int width = made.width;
    const auto eachPixel = [&](const auto& work) {
        for (int c = 0; c < 3; ++c)
            for (int dy = 0; dy < kBlock; ++dy)
                for (int dx = 0; dx < kBlock; ++dx)
                    work(made.values[c].data() + static_cast<size_t>(y - kHalfBlock + dy) * width +
                             x - kHalfBlock + dx,
                         block.values[c][static_cast<size_t>(dy) * kBlock + dx], c);
    };
    std::array<float, 3> means{};
    eachPixel([&](const float* pixel, float value, int c) {
        means[c] += *pixel / kBlockPixels;
        together += *pixel * value;
        known += value * value;
    });
    const float contrast = together / known;
    eachPixel([&](const float* pixel, float value, int c) {
        const float alongX = 0.5f * (pixel[1] - pixel[-1]);
        const float alongY = 0.5f * (pixel[width] - pixel[-width]);
        const float away = contrast * value - (*pixel - means[c]);
        xx += alongX * alongX;
        xy += alongX * alongY;
        yy += alongY * alongY;
        right += alongX * away;
        down += alongY * away;
    });
    // An edge says nothing of the way along it.
    const float firm = 0.01f * (xx + yy) + 1e-6f;
    const float determinant = (xx + firm) * (yy + firm) - xy * xy;
    const float stepX = ((yy + firm) * right - xy * down) / determinant,
                stepY = ((xx + firm) * down - xy * right) / determinant;
    if (!std::isfinite(stepX) || !std::isfinite(stepY)) return {0, 0};
    return {std::clamp(stepX, -1.f, 1.f), std::clamp(stepY, -1.f, 1.f)};
}

}  // namespace derrumbe::clip
