#pragma once
#include <span>
#include <string>
#include <vector>

namespace derrumbe::clip {

/// How scene-linear light becomes the model's code in [0, 1], and back. It is a property of the
/// model folder (`Description::encoding`): a model sees what it was trained on.
///
/// | name          | curve                                                            | maximum |
/// |---------------|------------------------------------------------------------------|---------|
/// | srgb_shoulder | linear up to 0.5, logarithmic shoulder to 64, then the sRGB OETF | 64      |
/// | srgb          | the sRGB OETF of IEC 61966-2-1, clamped                          | 1       |
/// | logc3         | ARRI LogC3 at EI 800                                             | 55.08   |
/// | acescct       | ACEScct (S-2016-001)                                             | 222.86  |
///
/// The same for all: every channel by itself; negative light has no code and encodes as 0;
/// `maximum()` and above encode as 1, NaN as 0 (what the model sees must be finite). `decode` takes
/// codes into [0, 1] first and gives values in [0, maximum()], so that no negative light comes from
/// a model; a NaN code stays NaN, for the stitch to count. Relative error of a round trip within
/// [0, maximum()]: at most 1e-3.
class Encoding {
  public:
    /// Throws Error(Model) for an unknown name, naming the known ones.
    static Encoding named(const std::string& name);
    static std::vector<std::string> names();

    float encode(float linear) const;
    float decode(float code) const;
    const std::string& name() const { return name_; }
    /// The largest scene-linear value that has a code of its own (code 1).
    float maximum() const { return maximum_; }

    /// Scene-linear to the model's [-1, 1]: 2 encode(x) - 1. Both spans have one length; they may
    /// be the same memory.
    void toModel(std::span<const float> linear, std::span<float> model) const;
    /// The model's [-1, 1] to scene-linear: decode((x + 1) / 2).
    void fromModel(std::span<const float> model, std::span<float> linear) const;

  private:
    enum class Curve { SrgbShoulder, Srgb, LogC3, AcesCct };
    Encoding(Curve curve, std::string name);
    double linearAt(double code) const;  ///< the curve's inverse, without any clamp
    double codeAt(double linear) const;  ///< the curve, for linear >= 0

    Curve curve_;
    std::string name_;
    float maximum_ = 1;
};

/// The constant of the shoulder that "srgb_shoulder" uses above the knee k:
/// s(x) = k + (1-k) ln(1 + (x-k)/a) / ln(1 + (M-k)/a). `a` is the solution of
/// (1-k) = a ln(1 + (M-k)/a), which makes the slope 1 on both sides of the knee; there is exactly
/// one for 0 < 1-k < M-k, since the right-hand side grows with a from 0 to M-k.
double shoulderConstant(double knee, double maximum);

}  // namespace derrumbe::clip
