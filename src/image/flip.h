#pragma once
#include <vector>

namespace derrumbe::image {

/// The paper's viewer: 0.7 m before a screen 0.7 m wide that has 3840 pixels, rounded 67.
constexpr double flipPixelsPerDegree = 67.02064327658225;

/// LDR-FLIP: how different two pictures look when one alternates between them. Andersson, Nilsson,
/// Akenine-Moeller, Oskarsson, Astroem, Fairchild: "FLIP: A Difference Evaluator for Alternating
/// Images", Proceedings of the ACM on Computer Graphics and Interactive Techniques 3(2), HPG 2020.
/// Computed from the paper with the constants of its authors' evaluator (version 1.7), which the
/// test's values come from.
///
/// @param reference,test  interleaved RGB, display-referred: sRGB-encoded, clamped to [0, 1] (NaN
/// is 0); [height][width][3]
/// @param pixelsPerDegree  of the viewer's eye
/// @return [height][width] in [0, 1]; 0: looks the same. The picture's FLIP is the mean.
std::vector<float> flip(const std::vector<float>& reference, const std::vector<float>& test,
                        int width, int height, double pixelsPerDegree = flipPixelsPerDegree);

}  // namespace derrumbe::image
