#include "render/guides.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "clip/encoding.h"
#include "clip/windows.h"
#include "image/resample.h"
#include "render/inputs.h"
#include "support/interrupt.h"
#include "support/strings.h"

namespace derrumbe::render {

namespace {

bool isData(const shot::Guide& guide) {
    return guide.type != shot::GuideType::Previz;
}

/// Which of a picture's channels are red, green and blue: a lone one three times; -1 where there is
/// none.
std::array<int, 3> colourChannels(const shot::Guide& guide, const image::PlateProbe& picture) {
    const auto index = [&](const char* name) {
        const auto found = std::find(picture.channels.begin(), picture.channels.end(), name);
        return found == picture.channels.end() ? -1
                                               : static_cast<int>(found - picture.channels.begin());
    };
    const std::array<int, 3> rgb = {index("R"), index("G"), index("B")};
    if (std::find(rgb.begin(), rgb.end(), -1) == rgb.end()) return rgb;
    const bool lone =
        isData(guide) && guide.type != shot::GuideType::Flow && picture.channels.size() == 1;
    const int grey = lone ? 0 : index("Y");
    return {grey, grey, grey};
}

/// Width over height as it is seen.
double shape(const image::PlateProbe& picture) {
    return picture.display.width * static_cast<double>(picture.pixelAspect) /
           picture.display.height;
}

bool sameSize(const Window& a, const Window& b) {
    return a.width == b.width && a.height == b.height;
}

/// The picture as the model's codes in [0, 1] and its alpha, colours times alpha: R, G, B, A over
/// its data window.
Frame layerOf(const shot::Guide& guide, const image::PlateImage& picture,
              const clip::Encoding& encoding) {
    const std::array<int, 3> colour = colourChannels(guide, picture);
    const int alpha = isData(guide) ? -1 : picture.frame.channel("A");
    const int count = picture.frame.channelCount();
    Frame layer;
    layer.data = picture.data;
    layer.display = picture.display;
    layer.channels = {"R", "G", "B", "A"};
    layer.pixels.resize(static_cast<size_t>(picture.data.width) * picture.data.height * 4);
    const float* from = picture.frame.pixels.data();
    for (size_t i = 0; i < layer.pixels.size(); i += 4, from += count) {
        // A comparison with NaN is false: no number is no pixel.
        const float opaque = alpha < 0 ? 1.f : from[alpha] > 0 ? std::min(from[alpha], 1.f) : 0.f;
        layer.pixels[i + 3] = opaque;
        if (opaque == 0) continue;
        for (int c = 0; c < 3; ++c) {
            float value = from[colour[c]];
            if (!std::isfinite(value)) value = 0;
            if (alpha >= 0 && !picture.unassociatedAlpha) value /= opaque;
            layer.pixels[i + c] =
                opaque * (isData(guide) ? std::clamp(value, 0.f, 1.f) : encoding.encode(value));
        }
    }
    return layer;
}

/// A part of a layer, beyond its pixels `empty`.
Frame cut(const Frame& layer, const Window& part, const std::array<float, 4>& empty) {
    Frame piece;
    piece.data = piece.display = part;
    piece.channels = layer.channels;
    piece.pixels.resize(static_cast<size_t>(part.width) * part.height * 4);
    for (int y = part.y; y < part.bottom(); ++y)
        for (int x = part.x; x < part.right(); ++x) {
            const bool there = x >= layer.data.x && x < layer.data.right() && y >= layer.data.y &&
                               y < layer.data.bottom();
            std::copy_n(there ? layer.at(x, y) : empty.data(), 4, piece.at(x, y));
        }
    return piece;
}

Frame resized(const Frame& frame, const Box& part, int width, int height) {
    const bool larger = width > part.width || height > part.height;
    return image::resizeFrom(frame, part, width, height,
                             larger ? image::enlargeFromModel : image::reduceForModel);
}

/// What a guide says beyond its pixels.
std::array<float, 4> emptyOf(const shot::Guide& guide) {
    const bool white =
        guide.type == shot::GuideType::Flow || guide.type == shot::GuideType::Scribble;
    const float nothing = white ? 1.f : 0.f;
    return {nothing, nothing, nothing, isData(guide) ? 1.f : 0.f};
}

/// The layer, laid over the plate's pixels.
Frame overPlate(const RenderPlan& plan, const shot::Guide& guide, Frame layer) {
    if (sameSize(layer.display, plan.plateDisplay)) {
        layer.data.x += plan.plateDisplay.x - layer.display.x;
        layer.data.y += plan.plateDisplay.y - layer.display.y;
    } else if (sameSize(layer.data, plan.plateData)) {
        layer.data = plan.plateData;
    } else {
        const Window whole = layer.display;
        layer = resized(cut(layer, whole, emptyOf(guide)), whole, plan.plateDisplay.width,
                        plan.plateDisplay.height);
        layer.data = plan.plateDisplay;
    }
    return layer;
}

/// Lays a layer over one frame of the clip, where the mask is 1.
void layOver(Clip& clip, int index, const ClipMask& mask, const Frame& layer, float strength) {
    const float* inside = mask.plane(index);
    for (int c = 0; c < 3; ++c) {
        float* plane = clip.plane(c, index);
        for (size_t i = 0; i < clip.planeSize(); ++i) {
            if (inside[i] == 0) continue;
            const float alpha = layer.pixels[i * 4 + 3];
            // Codes are times alpha in [0, 1], and 2 code - 1 in the clip.
            const float shown = 2 * layer.pixels[i * 4 + c] - alpha;
            plane[i] = std::clamp(plane[i] * (1 - strength * alpha) + strength * shown, -1.f, 1.f);
        }
    }
}

/// Reads guides; one that is held is read once, and brought to the model once where the crop stands
/// still.
class GuideReader {
  public:
    GuideReader(const RenderPlan& plan, const image::ColorConfig& colours)
        : plan_(plan),
          colours_(colours),
          encoding_(clip::Encoding::named(plan.model.encoding)),
          held_(plan.shot.guides.size()) {}

    /// The guide's part over the crop of a frame, at the working size.
    const Frame& read(size_t index, const std::string& file, int frame) {
        const shot::Guide& guide = plan_.shot.guides[index];
        const clip::CropPlan& region = plan_.region;
        const Box crop = region.at(frame);
        Held& held = held_[index];
        if (held.file == file && held.crop == crop) return held.shown;
        if (held.file != file) held.layer = overPlate(plan_, guide, layer(guide, file));
        held.file = file, held.crop = crop;
        held.shown = resized(cut(held.layer, crop.touched(), emptyOf(guide)), crop, region.width,
                             region.height);
        if (region.path.empty()) held.layer = {};  // of the plate's size, and not asked for again
        return held.shown;
    }

  private:
    struct Held {
        std::string file;
        Frame layer;  ///< over the plate's pixels
        Box crop;
        Frame shown;
    };

    Frame layer(const shot::Guide& guide, const std::string& file) const {
        image::PlateImage picture = image::readPlate(file);
        checkGuide(plan_, guide, picture);
        checkGuideValues(guide, picture);
        if (!isData(guide))
            colours_.transform(pictureSpace(plan_, colours_, picture), plan_.modelSpace)
                .apply(picture.frame);
        return layerOf(guide, picture, encoding_);
    }

    const RenderPlan& plan_;
    const image::ColorConfig& colours_;
    clip::Encoding encoding_;
    std::vector<Held> held_;
};

bool anySet(const ClipMask& mask, int frame) {
    const float* plane = mask.plane(frame);
    return std::any_of(plane, plane + static_cast<size_t>(mask.height) * mask.width,
                       [](float value) { return value != 0; });
}

void fillGrey(Clip& clip, int frame, const ClipMask& mask) {
    const float* inside = mask.plane(frame);
    for (int c = 0; c < 3; ++c) {
        float* plane = clip.plane(c, frame);
        for (size_t i = 0; i < clip.planeSize(); ++i)
            if (inside[i] != 0) plane[i] = 0;
    }
}

}  // namespace

void checkGuide(const RenderPlan& plan, const shot::Guide& guide,
                const image::PlateProbe& picture) {
    if (colourChannels(guide, picture)[0] < 0) {
        std::string names;
        for (const std::string& name : picture.channels)
            if (names.size() < 300) names += (names.empty() ? "" : ", ") + name;
        throw Error(ExitCode::Input, cat(picture.file, ": a ", shot::text(guide.type),
                                         " guide has the channels R, G, B or Y",
                                         guide.type == shot::GuideType::Depth ||
                                                 guide.type == shot::GuideType::Scribble
                                             ? ", or one alone,"
                                             : ",",
                                         " not ", names));
    }
    for (const int channel : colourChannels(guide, picture))
        if (picture.types[static_cast<size_t>(channel)] == image::PixelType::UInt32)
            throw Error(
                ExitCode::Input,
                cat(picture.file, ": its channel ", picture.channels[static_cast<size_t>(channel)],
                    " holds 32-bit integers, which are object ids and no picture"));
    if (plan.plateData.empty() || sameSize(picture.display, plan.plateDisplay) ||
        sameSize(picture.data, plan.plateData))
        return;
    image::PlateProbe plate;
    plate.display = plan.plateDisplay;
    plate.pixelAspect = plan.pixelAspect;
    if (std::abs(shape(picture) / shape(plate) - 1) <= 0.01) return;
    throw Error(ExitCode::Input,
                cat(picture.file, ": the guide is ", picture.display.width, "x",
                    picture.display.height, ", which is not the shape of the plate's ",
                    plan.plateDisplay.width, "x", plan.plateDisplay.height,
                    "; it is scaled, not stretched: render it in the plate's format"));
}

void checkGuideValues(const shot::Guide& guide, const image::PlateImage& picture) {
    // A filter may have overshot the edges of a map, no more.
    constexpr float least = -0.5f, most = 1.5f;
    if (!isData(guide) || !picture.isFloating()) return;
    const std::array<int, 3> colour = colourChannels(guide, picture);
    const int count = picture.frame.channelCount();
    float low = 0, high = 1;
    for (size_t i = 0; i < picture.frame.pixels.size(); i += static_cast<size_t>(count))
        for (const int c : colour) {
            const float value = picture.frame.pixels[i + static_cast<size_t>(c)];
            if (std::isnan(value)) continue;
            low = std::min(low, value);
            high = std::max(high, value);
        }
    if (low >= least && high <= most) return;
    const char* wanted =
        guide.type == shot::GuideType::Depth
            ? "a depth guide is inverse depth, 1 near and 0 far in each frame, as MiDaS gives it"
        : guide.type == shot::GuideType::Flow
            ? "a flow guide is the colour wheel's picture of the motion, white where nothing moves"
            : "a scribble guide is dark lines on white";
    throw Error(ExitCode::Input, cat(picture.file, ": its values go from ", low, " to ", high,
                                     ", not from 0 to 1: ", wanted));
}

Clip guidedClip(const RenderPlan& plan, const image::ColorConfig& colours, const Clip& plate,
                const ClipMask& mask) {
    Clip clip = plate;
    GuideReader reader(plan, colours);
    const int frames = static_cast<int>(plan.frames.size());
    for (int i = 0; i < frames; ++i) {
        throwIfInterrupted();
        if (!anySet(mask, i)) continue;
        if (!plan.fillPlate) fillGrey(clip, i, mask);
        const FrameJob& job = plan.frames[i];
        for (size_t g = 0; g < job.guides.size(); ++g) {
            const double strength = std::min(1.0, plan.shot.guides[g].strength.at(job.frame));
            if (job.guides[g].empty() || strength <= 0) continue;
            layOver(clip, i, mask, reader.read(g, job.guides[g], i), static_cast<float>(strength));
        }
    }
    for (int i = frames; i < clip.frames; ++i)
        for (int c = 0; c < 3; ++c)
            std::copy_n(clip.plane(c, clip::heldFrame(i, frames)), clip.planeSize(),
                        clip.plane(c, i));
    return clip;
}

}  // namespace derrumbe::render
