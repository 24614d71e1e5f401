#pragma once
#include <vector>

#include "support/frames.h"

namespace derrumbe::clip {

/// What the shot's `region` asks for.
struct RegionRequest {
    enum class Kind {
        Auto,     ///< the matte's bounds plus a margin
        Follow,   ///< a box of one size that follows the matte
        Full,     ///< the plate's whole data window
        Explicit  ///< `window`, cut to the data window
    };
    Kind kind = Kind::Auto;
    Window window = {};
};

struct RegionInput {
    Window matte;  ///< bounds of all shaped mattes of the shot, united; plate pixels
    std::vector<Window> mattes =
        {};                 ///< for `follow`: those of each frame; empty where it has none
    Window data;            ///< the plate's data window
    float pixelAspect = 1;  ///< width / height of a plate pixel
    int workingWidth = 832, workingHeight = 480;  ///< what the model was trained at
    int sizeMultiple = 16;                        ///< of both working sizes
    double margin =
        0.25;  ///< context on every side, in parts of the matte's longer side (as shown)
    RegionRequest request = {};
};

/// The part of the plate that goes through the model, and the size at which it does.
struct CropPlan {
    Window crop;                ///< plate pixels, inside the data window; empty for an empty matte
    int width = 0, height = 0;  ///< working pixels, multiples of the model's
    double distortion = 0;      ///< how far the working pixel is from square: 0.02 is 2 percent
    bool coversMatte = true;    ///< whether the crop holds all of the matte
    /// Of a crop that follows the matte: where it lies in each of the shot's frames, to 1/64 pixel,
    /// inside the data window. `crop` is then its place in the first one, to whole pixels. Empty:
    /// it stands still.
    std::vector<Box> path = {};

    Box at(int frame) const { return path.empty() ? Box(crop) : path[static_cast<size_t>(frame)]; }
};

/// Chooses the crop. The working size has about workingWidth * workingHeight pixels and the crop's
/// shape as it is shown (pixel aspect undone).
/// - auto: holds the matte, and margin around it where the plate has it; reaches further out rather
///   than enlarge the plate's pixels; is the whole data window where that is smaller than the
///   working size. Distortion is at most 2 percent unless the plate itself is too narrow.
/// - follow: a box of one size, chosen as for `auto` around the widest and the highest matte of a
///   frame, that holds every frame's matte and moves as smoothly as it can (smoothPath). Where it
///   would stand still (the matte does not move, or fills the plate) it is `auto`'s crop.
/// - full, explicit: the window as asked for; of the working sizes near the area, the least
/// distorted. An empty matte with `auto` gives an empty crop: there is nothing to generate. Throws
/// Error(Usage) for an explicit window that misses the plate, Error(Input) for an empty data
/// window.
CropPlan planRegion(const RegionInput& input);

}  // namespace derrumbe::clip
