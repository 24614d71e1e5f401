#include "image/matte.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "image/cryptomatte.h"
#include "image/matte_shape.h"
#include "image/read_frame.h"
#include "image/whole_file.h"
#include "support/error.h"
#include "support/strings.h"

namespace derrumbe::image {

namespace {

std::string sizeText(const Window& window) {
    return cat(window.width, "x", window.height);
}

std::string listed(const std::vector<std::string>& names) {
    std::string all;
    for (const std::string& name : names) {
        if (all.size() > 300) return all + ", ...";
        all += (all.empty() ? "" : ", ") + name;
    }
    return all;
}

/// How far the matte's pixels are shifted to lie over the plate's; checks the sizes.
struct Offset {
    int x = 0, y = 0;
};

Offset alignment(const PlateProbe& matte, const Window& data, const Window& display) {
    if (matte.display.width == display.width && matte.display.height == display.height)
        return {display.x - matte.display.x, display.y - matte.display.y};
    if (matte.data.width == data.width && matte.data.height == data.height)
        return {data.x - matte.data.x, data.y - matte.data.y};
    throw Error(ExitCode::Input,
                cat("the matte ", matte.file, " is ", sizeText(matte.display), ", the plate is ",
                    sizeText(display),
                    data == display ? std::string() : cat(" (data window ", sizeText(data), ")"),
                    "; write the matte at the plate's size"));
}

/// Channels to read: one, or R, G, B for luminance.
std::vector<int> chosenChannels(const MatteRequest& request, const PlateProbe& probe) {
    const auto index = [&](const std::string& name) {
        const auto found = std::find(probe.channels.begin(), probe.channels.end(), name);
        return found == probe.channels.end() ? -1
                                             : static_cast<int>(found - probe.channels.begin());
    };
    if (request.channel.empty()) return {std::max(0, index("A"))};
    if (const int named = index(request.channel); named >= 0) return {named};
    if (request.channel == "luminance") {
        const std::vector<int> rgb = {index("R"), index("G"), index("B")};
        if (*std::min_element(rgb.begin(), rgb.end()) >= 0) return rgb;
        return {std::max(0, index("Y"))};
    }
    const std::string meant = nearest(request.channel, probe.channels);
    throw Error(ExitCode::Input,
                cat("the matte ", request.file, " has no channel '", request.channel, "'",
                    meant.empty() ? "; it has " + listed(probe.channels)
                                  : "; did you mean '" + meant + "'?"));
}

float sample(const PlateImage& image, const float* pixel, int channel) {
    const float value = pixel[channel];
    if (image.types[channel] != PixelType::UInt32) return value;
    return std::bit_cast<std::uint32_t>(value) != 0 ? 1.f : 0.f;  // an id: there or not
}

/// The file's own matte, over the file's data window.
std::vector<float> rawMatte(const MatteRequest& request, const PlateImage& image) {
    if (!request.cryptomatteLayer.empty())
        return extractCryptomatte(image, request.cryptomatteLayer, request.cryptomatteNames);
    const std::vector<int> channels = chosenChannels(request, image);
    std::vector<float> values(static_cast<size_t>(image.data.width) * image.data.height);
    const float* pixel = image.frame.pixels.data();
    for (float& value : values) {
        value = channels.size() == 3 ? 0.2126f * pixel[channels[0]] + 0.7152f * pixel[channels[1]] +
                                           0.0722f * pixel[channels[2]]
                                     : sample(image, pixel, channels[0]);
        pixel += image.frame.channels.size();
    }
    return values;
}

void checkSameWindow(const Matte& one, const Matte& other) {
    if (!(one.window == other.window))
        throw Error(ExitCode::Internal, "mattes over different windows cannot be combined");
}

}  // namespace

Matte readMatte(const MatteRequest& request, const Window& plateData, const Window& plateDisplay) {
    const PlateImage image = readPlate(request.file);
    const Offset offset = alignment(image, plateData, plateDisplay);
    const std::vector<float> raw = rawMatte(request, image);
    const Window source = {image.data.x + offset.x, image.data.y + offset.y, image.data.width,
                           image.data.height};
    Matte matte;
    matte.window = plateData;
    matte.values.assign(static_cast<size_t>(plateData.width) * plateData.height, 0);
    const Window common = intersect(source, plateData);
    for (int y = common.y; y < common.bottom(); ++y)
        for (int x = common.x; x < common.right(); ++x) {
            const float value =
                raw[static_cast<size_t>(y - source.y) * source.width + (x - source.x)];
            // The comparison is false for NaN, which counts as 0.
            matte.values[static_cast<size_t>(y - plateData.y) * plateData.width +
                         (x - plateData.x)] = value > 0 ? std::min(value, 1.f) : 0.f;
        }
    if (request.invert)
        for (float& value : matte.values) value = 1 - value;
    growMatte(matte, request.grow);
    featherMatte(matte, request.feather);
    return matte;
}

void checkMatte(const MatteRequest& request, const Window& plateData, const Window& plateDisplay) {
    const PlateProbe image = probe(request.file);
    checkWhole(image);
    alignment(image, plateData, plateDisplay);
    if (request.cryptomatteLayer.empty())
        chosenChannels(request, image);
    else
        checkCryptomatte(image, request.cryptomatteLayer, request.cryptomatteNames);
}

void uniteMattes(Matte& matte, const Matte& other) {
    if (matte.values.empty()) {
        matte = other;
        return;
    }
    checkSameWindow(matte, other);
    for (size_t i = 0; i < matte.values.size(); ++i)
        matte.values[i] = std::max(matte.values[i], other.values[i]);
}

void subtractMatte(Matte& matte, const Matte& other) {
    checkSameWindow(matte, other);
    for (size_t i = 0; i < matte.values.size(); ++i) matte.values[i] *= 1 - other.values[i];
}

}  // namespace derrumbe::image
