#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "cli/compare_report.h"
#include "image/colour.h"
#include "image/flip.h"
#include "image/read_frame.h"

namespace derrumbe::cli {

/// How far apart two pictures may be. Everything that is given has to hold; a sample that is finite
/// in one picture alone never does.
struct Tolerance {
    std::optional<double> maxError;  ///< greatest absolute difference of a sample; 0: equal values
    std::optional<double> flip;      ///< mean FLIP, 0 to 1
    std::optional<double> psnr;      ///< least, dB for a peak of 1

    bool holds(const FrameResult& result) const;
};

/// Compares pairs of pictures by the numbers and as people see them.
class Comparer {
  public:
    Tolerance tolerance = {.maxError = 0, .flip = {}, .psnr = {}};
    std::filesystem::path heatmap;  ///< folder for a PNG of each pair that differs; empty: none
    double pixelsPerDegree = image::flipPixelsPerDegree;
    std::string colorspace;  ///< OCIO space of the pictures; empty: as their headers say

    /// Compares file a with file b; the heat map is `NAME.png`, with the last part of `name` where
    /// it is a path. A picture that cannot be read is that frame's error, and the next frame's
    /// turn.
    FrameResult compare(const std::string& name, const std::string& a, const std::string& b) const;

  private:
    void measure(FrameResult& result, const std::string& a, const std::string& b) const;
    /// As people see it: FLIP, and the heat map.
    void look(FrameResult& result, const image::PlateImage& a, const image::PlateImage& b) const;

    image::ColorConfig colours_ = image::ColorConfig::load();
};

}  // namespace derrumbe::cli
