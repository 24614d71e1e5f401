#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "image/colour.h"
#include "image/picture.h"
#include "image/read_frame.h"

namespace derrumbe::image {

/// One frame of a preview.
struct PreviewFrame {
    std::string file;
    std::string with;   ///< a plate to show to its left; empty: none
    std::string label;  ///< e.g. the frame number; in lines where it is long; empty: none
};

/// How a preview looks. Colours go through OCIO's display and view, not a colour space hop.
struct PreviewOptions {
    std::string colorspace;      ///< of the frames; empty: found out as a plate's
    std::string withColorspace;  ///< of the plates
    std::string display, view;   ///< empty: the configuration's defaults
    std::string layer;           ///< show LAYER.R, LAYER.G, LAYER.B (or LAYER.Y); empty: R, G, B
    double exposure = 0;         ///< stops, before the view
    double scale = 0;            ///< of the frames; 0: 1 for a movie, cells 480 wide for a sheet
    int columns = 0;             ///< of a sheet; 0: about as wide as high
    double fps = 0;              ///< of a movie; 0: as the first frame's header says, else 24
};

/// A picture as its display window shows it, as the display's own numbers, 0 to 1 (not clamped);
/// pixel aspect undone, black outside the data window. Channels R, G, B.
Frame displayFrame(const PlateImage& image, const ColorConfig& config,
                   const std::string& colorspace, const PreviewOptions& options, double scale);

/// What people see of a picture, for measures such as FLIP: the same with the configuration's
/// default view at full size; but a picture that is sRGB-encoded is a display's already, and is
/// taken as it is instead of as a scene that the view would grade.
Frame seenFrame(const PlateImage& image, const ColorConfig& config, const std::string& colorspace);

/// displayFrame of a file, as 8-bit numbers.
Picture displayPicture(const std::string& file, const ColorConfig& config,
                       const std::string& colorspace, const PreviewOptions& options, double scale);

/// All frames on one sheet, as a PNG. Throws Error(Input) for frames that cannot be read,
/// Error(Output) for the file.
void writeContactSheet(const std::filesystem::path& path, const std::vector<PreviewFrame>& frames,
                       const ColorConfig& config, const PreviewOptions& options);

/// A movie (.mp4, .mov); needs ffmpeg. Throws as MovieWriter.
void writeMovie(const std::filesystem::path& path, const std::vector<PreviewFrame>& frames,
                const ColorConfig& config, const PreviewOptions& options);

}  // namespace derrumbe::image
