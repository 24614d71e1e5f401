#pragma once
#include "support/frames.h"

namespace derrumbe::image {

/// Separable filters, their support scaled by the reduction where a picture gets smaller (so that
/// every source pixel counts), unscaled where it gets larger.
enum class Filter {
    Box,       ///< exact area mean when reducing; nearest when enlarging
    Triangle,  ///< linear; no overshoot
    Mitchell,  ///< cubic, B = C = 1/3 (Mitchell, Netravali, SIGGRAPH 1988)
    Lanczos3   ///< windowed sinc; sharpest
};

/// How the crop goes to the model and back:
/// - reduceForModel: Lanczos3, the sharpest that does not alias visibly. Its lobes would ring
///   around highlights of HDR light, so every result is kept within the least and greatest of the
///   source pixels under its middle lobe.
/// - enlargeFromModel: Mitchell, in the encoded domain (decode after it), kept within its four
///   neighbours' range the same way: no ringing, no values that the model did not make.
constexpr Filter reduceForModel = Filter::Lanczos3;
constexpr Filter enlargeFromModel = Filter::Mitchell;

/// Resizes all channels from the frame's data window onto `width` x `height`: the window's outer
/// edges map to the result's edges (pixel centres at x + 0.5), so that there and back again nothing
/// moves by any part of a pixel. Beyond the edges the border pixels go on. Samples that are not
/// finite count as 0 (this is the model's copy; the plate keeps its own). The result's data and
/// display window are {0, 0, width, height}; equal sizes copy.
/// Throws Error(Internal) for an empty size.
Frame resize(const Frame& frame, int width, int height, Filter filter);

/// The same of the part of the frame that lies in `box`: the box's edges map to the result's.
/// `frame` holds the pixels that it touches, and only those, beyond which the border goes on.
/// A box of whole pixels gives what resize() of a frame over it gives, bit for bit.
Frame resizeFrom(const Frame& frame, const Box& box, int width, int height, Filter filter);

/// The part of the plate that the model sees, as R, G, B over `crop` (a plate with a channel Y
/// gives it three times). Beyond the data window the border pixels go on; samples that are not
/// finite are 0. Throws Error(Input) for a plate with neither.
Frame cropColour(const Frame& plate, const Window& crop);

/// What the model made, `small` of any size, back over `crop` in plate pixels: at the pixels whose
/// centres it holds, the display window given. The way back from resizeFrom: nothing moves.
Frame resizeInto(const Frame& small, const Box& crop, const Window& display, Filter filter);

/// A matte's values over `crop`, resized: area mean when reducing, linear when enlarging.
Matte resizeMatte(const Matte& matte, const Box& crop, int width, int height);

}  // namespace derrumbe::image
