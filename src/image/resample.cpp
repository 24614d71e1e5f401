#include "image/resample.h"

#include <OpenImageIO/parallel.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "support/error.h"
#include "support/strings.h"

namespace derrumbe::image {

namespace {

double support(Filter filter) {
    switch (filter) {
        case Filter::Box:
            return 0.5;
        case Filter::Triangle:
            return 1;
        case Filter::Mitchell:
            return 2;
        case Filter::Lanczos3:
            return 3;
    }
    return 1;
}

double sinc(double x) {
    const double angle = std::numbers::pi * x;
    return x == 0 ? 1 : std::sin(angle) / angle;
}

double weight(Filter filter, double x) {
    x = std::abs(x);
    if (x >= support(filter)) return 0;
    switch (filter) {
        case Filter::Box:
            return 1;
        case Filter::Triangle:
            return 1 - x;
        case Filter::Mitchell:
            return x < 1 ? (7 * x * x * x - 12 * x * x + 16. / 3) / 6
                         : (-7. / 3 * x * x * x + 12 * x * x - 20 * x + 32. / 3) / 6;
        case Filter::Lanczos3:
            return sinc(x) * sinc(x / 3);
    }
    return 0;
}

/// What one result pixel takes from a line.
struct Taps {
    int first = 0;               ///< source index of the first weight; may lie beyond the line
    std::vector<float> weights;  ///< sum to 1
    int middleFirst = 0, middleLast = 0;  ///< source pixels under the middle lobe
};

/// How the pixels of a line's result lie on its source: the first begins at `first`, each is `step`
/// long, in source pixels.
struct Axis {
    int from = 0, to = 0;
    double first = 0, step = 1;

    bool copies() const { return from == to && first == 0 && step == 1; }
};

std::vector<Taps> makeTaps(const Axis& axis, Filter filter) {
    const auto [from, to, begin, step] = axis;
    // A box must cover its pixel's area also when it enlarges; the others interpolate unscaled.
    const double scale = std::max(1.0, step), radius = support(filter) * scale;
    std::vector<Taps> all(static_cast<size_t>(to));
    for (int i = 0; i < to; ++i) {
        Taps& taps = all[i];
        const double centre = (i + 0.5) * step + begin;
        const int first = static_cast<int>(std::floor(centre - radius));
        const int last = static_cast<int>(std::ceil(centre + radius)) - 1;
        std::vector<double> weights;
        double sum = 0;
        for (int source = first; source <= last; ++source) {
            double value = 0;
            if (filter == Filter::Box) {
                // The exact share of the source pixel under the result pixel.
                value = std::min(source + 1.0, centre + radius) -
                        std::max(double(source), centre - radius);
                value = std::max(0.0, value);
            } else {
                value = weight(filter, (source + 0.5 - centre) / scale);
            }
            weights.push_back(value);
            sum += value;
        }
        taps.first = first;
        for (double value : weights) taps.weights.push_back(static_cast<float>(value / sum));
        taps.middleFirst =
            std::clamp(static_cast<int>(std::floor(centre - scale + 0.5)), 0, from - 1);
        taps.middleLast =
            std::clamp(static_cast<int>(std::ceil(centre + scale - 0.5)) - 1, 0, from - 1);
        taps.middleLast = std::max(taps.middleFirst, taps.middleLast);
    }
    return all;
}

/// Filters a line of `from` pixels of `channels` interleaved samples.
void filterLine(const float* line, int from, int channels, const std::vector<Taps>& all, bool limit,
                float* out, std::ptrdiff_t outStep) {
    for (const Taps& taps : all) {
        for (int c = 0; c < channels; ++c) {
            float sum = 0;
            for (size_t k = 0; k < taps.weights.size(); ++k) {
                const int source = std::clamp(taps.first + static_cast<int>(k), 0, from - 1);
                sum += taps.weights[k] * line[static_cast<size_t>(source) * channels + c];
            }
            if (limit) {
                float least = line[static_cast<size_t>(taps.middleFirst) * channels + c];
                float greatest = least;
                for (int source = taps.middleFirst + 1; source <= taps.middleLast; ++source) {
                    least = std::min(least, line[static_cast<size_t>(source) * channels + c]);
                    greatest = std::max(greatest, line[static_cast<size_t>(source) * channels + c]);
                }
                sum = std::clamp(sum, least, greatest);
            }
            out[c] = sum;
        }
        out += outStep;
    }
}

/// `pixels` [down.from][across.from][channels] to [down.to][across.to][channels].
std::vector<float> resizePixels(const std::vector<float>& pixels, const Axis& across,
                                const Axis& down, int channels, Filter filter) {
    const int width = across.from, height = down.from, toWidth = across.to, toHeight = down.to;
    if (toWidth < 1 || toHeight < 1)
        throw Error(ExitCode::Internal, "a picture cannot be resized to nothing");
    const bool limit = filter == Filter::Mitchell || filter == Filter::Lanczos3;
    std::vector<float> wide(static_cast<size_t>(toWidth) * height * channels);
    if (across.copies()) {
        wide = pixels;
    } else {
        const std::vector<Taps> taps = makeTaps(across, filter);
        OIIO::parallel_for(0, height, [&](int64_t y) {
            filterLine(pixels.data() + y * width * channels, width, channels, taps, limit,
                       wide.data() + y * toWidth * channels, channels);
        });
    }
    if (down.copies()) return wide;
    std::vector<float> result(static_cast<size_t>(toWidth) * toHeight * channels);
    const std::vector<Taps> taps = makeTaps(down, filter);
    const auto rowSize = static_cast<std::ptrdiff_t>(toWidth) * channels;
    OIIO::parallel_for(0, toWidth, [&](int64_t x) {
        std::vector<float> column(static_cast<size_t>(height) * channels);
        for (int y = 0; y < height; ++y)
            std::copy_n(wide.data() + y * rowSize + x * channels, channels,
                        column.data() + static_cast<std::ptrdiff_t>(y) * channels);
        filterLine(column.data(), height, channels, taps, limit, result.data() + x * channels,
                   rowSize);
    });
    return result;
}

/// A frame through both axes.
Frame resized(const Frame& frame, const Axis& across, const Axis& down, Filter filter) {
    Frame result;
    result.data = result.display = {0, 0, across.to, down.to};
    result.channels = frame.channels;
    std::vector<float> finite;
    const bool clean = std::all_of(frame.pixels.begin(), frame.pixels.end(),
                                   [](float value) { return std::isfinite(value); });
    if (!clean) {
        finite = frame.pixels;
        for (float& value : finite)
            if (!std::isfinite(value)) value = 0;
    }
    result.pixels =
        resizePixels(clean ? frame.pixels : finite, across, down, frame.channelCount(), filter);
    return result;
}

/// A box of pixels `touched` by it, onto `to` of them.
Axis axisFrom(double place, int size, int touched, int to) {
    return {touched, to, place - std::floor(place), static_cast<double>(size) / to};
}

/// The way back, onto the pixels whose centres the box holds, the first of which begins at `first`.
Axis axisInto(double place, int size, int first, int from) {
    const double step = static_cast<double>(from) / size;
    return {from, size, (first - place) * step, step};
}

}  // namespace

Frame resize(const Frame& frame, int width, int height, Filter filter) {
    return resizeFrom(frame, frame.data, width, height, filter);
}

Frame resizeFrom(const Frame& frame, const Box& box, int width, int height, Filter filter) {
    if (!(box.touched() == frame.data))
        throw Error(ExitCode::Internal, "a picture is resized from a box that it does not hold");
    return resized(frame, axisFrom(box.x, box.width, frame.data.width, width),
                   axisFrom(box.y, box.height, frame.data.height, height), filter);
}

Frame cropColour(const Frame& plate, const Window& crop) {
    int index[3] = {plate.channel("R"), plate.channel("G"), plate.channel("B")};
    if (index[0] < 0 || index[1] < 0 || index[2] < 0)
        index[0] = index[1] = index[2] = plate.channel("Y");
    if (index[0] < 0)
        throw Error(ExitCode::Input,
                    "the plate has neither the channels R, G, B nor Y, which the model needs; "
                    "write its colours under these names");
    if (crop.empty() || plate.data.empty())
        throw Error(ExitCode::Internal, "an empty crop of a plate");
    Frame result;
    result.data = crop;
    result.display = plate.display;
    result.pixelAspect = plate.pixelAspect;
    result.channels = {"R", "G", "B"};
    result.pixels.resize(static_cast<size_t>(crop.width) * crop.height * 3);
    float* out = result.pixels.data();
    for (int y = crop.y; y < crop.bottom(); ++y)
        for (int x = crop.x; x < crop.right(); ++x) {
            const float* pixel = plate.at(std::clamp(x, plate.data.x, plate.data.right() - 1),
                                          std::clamp(y, plate.data.y, plate.data.bottom() - 1));
            for (const int channel : index)
                *out++ = std::isfinite(pixel[channel]) ? pixel[channel] : 0.f;
        }
    return result;
}

Frame resizeInto(const Frame& small, const Box& crop, const Window& display, Filter filter) {
    const Window pixels = crop.pixels();
    Frame result = resized(small, axisInto(crop.x, crop.width, pixels.x, small.data.width),
                           axisInto(crop.y, crop.height, pixels.y, small.data.height), filter);
    result.data = pixels;
    result.display = display;
    return result;
}

Matte resizeMatte(const Matte& matte, const Box& crop, int width, int height) {
    const Window touched = crop.touched();
    std::vector<float> values(static_cast<size_t>(touched.width) * touched.height);
    for (int y = 0; y < touched.height; ++y)
        for (int x = 0; x < touched.width; ++x)
            values[static_cast<size_t>(y) * touched.width + x] =
                matte.at(touched.x + x, touched.y + y);
    const bool reduces = width <= crop.width && height <= crop.height;
    Matte result;
    result.window = {0, 0, width, height};
    result.values = resizePixels(values, axisFrom(crop.x, crop.width, touched.width, width),
                                 axisFrom(crop.y, crop.height, touched.height, height), 1,
                                 reduces ? Filter::Box : Filter::Triangle);
    for (float& value : result.values) value = std::clamp(value, 0.f, 1.f);
    return result;
}

}  // namespace derrumbe::image
