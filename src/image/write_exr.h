#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "image/header.h"
#include "image/probe.h"
#include "support/frames.h"

namespace derrumbe::image {

/// One channel of an EXR, over the whole data window, in the type it is stored in.
struct ExrChannel {
    std::string name;
    PixelType type = PixelType::Half;  ///< Half, Float or UInt32
    std::vector<char> samples;         ///< [height][width], 2 or 4 bytes each
};

/// An EXR to be written: one part, scan lines. The same values give the same bytes, always and on
/// every machine of the same byte order: no clock, host or thread has a say in them.
struct ExrOutput {
    Window data, display;
    float pixelAspect = 1;
    std::vector<ExrChannel> channels;
    /// The plate's: every attribute is kept byte for byte, unknown types included, except those
    /// that say how the file is stored (windows, channels, compression, tiles, parts, preview) and
    /// acesImageContainerFlag, whose rules (no compression, no layers) the result does not keep.
    std::shared_ptr<const ImageHeader> header;
    std::string compression = "zip";  ///< one of compressionNames()
    /// Set in place of the plate's where given.
    std::optional<Rational> framesPerSecond;
    std::optional<std::array<float, 8>> chromaticities;  ///< see chromaticitiesOf()
    /// Attributes of the plate that no longer hold, e.g. colorInteropID in another colour space.
    std::vector<std::string> dropped;
    std::map<std::string, std::string> metadata;  ///< ours, as string attributes; they win
    /// Finite samples beyond half's range that were brought to +-65504 to be stored as half.
    std::int64_t clamped = 0;
};

/// Takes windows and pixel aspect from the frame and adds its channels, `types` one a channel.
/// Half samples that came from a half file keep their bits, NaN payloads included.
void addFrame(ExrOutput& output, const Frame& frame, const std::vector<PixelType>& types);

/// Adds the frame's channels as `layer.NAME`; where the frame has no pixel the samples are 0.
/// To be called after addFrame, which sets the data window.
void addLayer(ExrOutput& output, const Frame& frame, const std::string& layer, PixelType type);

/// Adds a matte as one channel, 0 outside its window.
void addMatte(ExrOutput& output, const Matte& matte, const std::string& name, PixelType type);

/// The file's bytes. Throws Error(Usage) for an unknown compression or two channels of one name,
/// Error(Output) where OpenEXR refuses the header.
std::string encodeExr(const ExrOutput& output);

/// Writes the file whole or not at all. Throws as encodeExr, and Error(Output) naming the file.
void writeExr(const std::filesystem::path& path, const ExrOutput& output);

/// True where the compression may change a sample of this type. Throws Error(Usage) for a name that
/// is none, naming the one that was meant.
bool isLossy(const std::string& compression, PixelType type = PixelType::Half);

}  // namespace derrumbe::image
