#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace derrumbe {

/// A rectangle of pixels, `x, y` its upper left corner (may be negative, as in EXR), y downwards.
struct Window {
    int x = 0, y = 0, width = 0, height = 0;

    int right() const { return x + width; }    ///< one past the last column
    int bottom() const { return y + height; }  ///< one past the last row
    bool empty() const { return width <= 0 || height <= 0; }
    bool operator==(const Window&) const = default;
};

/// A part of a picture with a whole size at a real place, as a crop that follows what moves: its
/// upper left corner in window coordinates, where pixel (x, y) reaches from x to x + 1. A window is
/// one too.
struct Box {
    double x = 0, y = 0;
    int width = 0, height = 0;

    Box() = default;
    Box(double left, double top, int w, int h) : x(left), y(top), width(w), height(h) {}
    Box(const Window& window)
        : x(window.x), y(window.y), width(window.width), height(window.height) {}
    Window pixels() const;   ///< those whose centres it holds: always width x height
    Window touched() const;  ///< those that it holds any part of
    bool operator==(const Box&) const = default;
};

Window intersect(const Window& a, const Window& b);
Window unite(
    const Window& a,
    const Window& b);  ///< the smallest window that holds both; an empty one counts as nothing

/// One picture at plate resolution: interleaved float samples over its data window.
/// Colour space is whatever the owner says (plates: the file's own, converted to scene-linear only
/// on a copy that the model sees; the delivered pixels are never converted there and back).
struct Frame {
    Window data;                        ///< where there are pixels
    Window display;                     ///< what is shown
    float pixelAspect = 1;              ///< width / height of a pixel
    std::vector<std::string> channels;  ///< e.g. R G B A, in file order
    std::vector<float> pixels;          ///< [data.height][data.width][channels.size()]

    int channelCount() const { return static_cast<int>(channels.size()); }
    /// Index of a channel by name, -1 where it is not there.
    int channel(const std::string& name) const;
    float* at(int x, int y);  ///< x, y in window coordinates, inside `data`
    const float* at(int x, int y) const;
};

/// A matte: one float a pixel in [0, 1] over `window` (the plate's data window).
struct Matte {
    Window window;
    std::vector<float> values;  ///< [window.height][window.width]

    float at(int x, int y) const;  ///< 0 outside the window
    /// The smallest window that holds every value above `threshold`; empty where there is none.
    Window bounds(float threshold = 0) const;
    /// Mean value over the window, 0..1.
    double coverage() const;
};

/// What the model sees and makes: planar RGB in [-1, 1], `[3][frames][height][width]`, in the
/// model's encoding.
struct Clip {
    int frames = 0, height = 0, width = 0;
    std::vector<float> values;

    size_t planeSize() const { return static_cast<size_t>(height) * width; }
    float* plane(int channel, int frame);
    const float* plane(int channel, int frame) const;
    static Clip filled(int frames, int height, int width, float value);
};

/// The model's mask for a clip: `[frames][height][width]`, 1 = generate, 0 = keep.
struct ClipMask {
    int frames = 0, height = 0, width = 0;
    std::vector<float> values;

    float* plane(int frame) { return values.data() + static_cast<size_t>(frame) * height * width; }
    const float* plane(int frame) const {
        return values.data() + static_cast<size_t>(frame) * height * width;
    }
};

}  // namespace derrumbe
