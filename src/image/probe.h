#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "image/header.h"
#include "support/frames.h"

namespace derrumbe::image {

/// How a file stores a sample. In memory every sample is a float; UInt32 channels of an EXR (object
/// ids) keep their bits in the float (std::bit_cast), so that they pass through unchanged.
enum class PixelType { UInt8, UInt10, UInt12, UInt16, UInt32, Half, Float };

const char* text(PixelType type);

/// What an EXR must hold so that every value of `type` survives bit for bit: Half for Half, UInt32
/// for UInt32, Float for everything else (n / 255 is no half).
PixelType exrTypeFor(PixelType type);

/// What a picture's header says; no pixel is read.
struct PlateProbe {
    std::string file;
    Window data, display;               ///< equal where the format knows no data window
    float pixelAspect = 1;              ///< width / height of a pixel
    std::vector<std::string> channels;  ///< as readPlate gives them: R G B A first
    /// One a channel. UInt32 only in an EXR: 32-bit integers of other formats are numbers, not ids,
    /// and are read as Float.
    std::vector<PixelType> types;
    PixelType type = PixelType::Float;  ///< the file's own, of the colour channels (the widest)
    std::shared_ptr<const ImageHeader> header;
    /// What the file says of its colour space, as a Color Interop Forum id (lin_ap1_scene, ...);
    /// empty where it says nothing that is known. From, in this order: acesImageContainerFlag,
    /// colorInteropID, chromaticities.
    std::string colorSpaceHint;
    std::string colorSpaceHintSource;  ///< the attribute that said so
    bool unassociatedAlpha = false;    ///< RGB is not premultiplied (PNG, most TIFF)
    std::optional<Rational> framesPerSecond;
    std::vector<std::string> notes;  ///< what was left out or is odd, one sentence each

    /// One sub-image of the file and where its channels go.
    struct Part {
        int index = 0;         ///< OpenImageIO's sub-image
        int firstChannel = 0;  ///< in `channels`
        int channelCount = 0;
    };
    std::vector<Part> parts;  ///< the first is the one with the colour channels

    bool isFloating() const { return type == PixelType::Half || type == PixelType::Float; }
};

/// Reads the header of any picture that OpenImageIO reads. Of a multi-part EXR the part with R, G,
/// B is the plate; other parts over the same data window are read with it (channels that would have
/// the same name get the part's name in front), the rest is left out and noted.
///
/// Throws Error(Input) naming the file, what is wrong and what to do: not there, no format that is
/// known, damaged, deep, or a size that no plate has (above 65536 pixels a side, above 1024
/// channels, far more pixels than the file could hold); Error(Memory) where the pixels would not
/// fit into this machine's memory.
PlateProbe probe(const std::string& file);

}  // namespace derrumbe::image
