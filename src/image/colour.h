#pragma once
#include <memory>
#include <string>
#include <vector>

#include "image/probe.h"
#include "support/frames.h"

namespace derrumbe::image {

/// A conversion between two colour spaces, or to a display. Cheap to copy; may be used by several
/// threads at once.
class ColorTransform {
  public:
    /// Converts interleaved RGB in place; `count` pixels.
    void apply(float* rgb, size_t count) const;
    /// Converts the channels R, G, B of a frame in place (a lone Y where there are none as grey);
    /// the others stay. Alpha is not divided out: a premultiplied plate's colours are converted as
    /// they are, exact for every linear to linear conversion.
    void apply(Frame& frame) const;
    /// True where nothing would change.
    bool isIdentity() const { return !processor_; }

  private:
    friend class ColorConfig;
    std::shared_ptr<const void> processor_;
};

/// An OpenColorIO configuration. OpenImageIO falls back silently to six built-in names when a
/// configuration does not load; here that is an error, and so is every name that is not in it.
class ColorConfig {
  public:
    /// $OCIO where it is set and not empty, else the configuration that ships with Derrumbe.
    static ColorConfig load();
    /// Throws Error(Input) naming the file and what OpenColorIO says of it.
    static ColorConfig load(const std::string& path);
    /// configs/ocio/derrumbe.ocio below $DERRUMBE_HOME, beside or above the binary, or in the
    /// source tree. Throws Error(Input) listing where it was looked for.
    static std::string shippedPath();

    /// The configuration's file, as $OCIO or shippedPath() names it.
    const std::string& path() const;
    /// Names of the colour spaces, without aliases and roles.
    std::vector<std::string> spaces() const;
    /// True for a space, alias or role (upper and lower case alike, as in OpenColorIO).
    bool has(const std::string& name) const;
    /// The space that a name, alias or role stands for. Throws Error(Input), naming the nearest
    /// ones, where there is none.
    std::string resolve(const std::string& name) const;
    /// The first of the names that is there, resolved; empty where none is.
    std::string firstOf(const std::vector<std::string>& names) const;

    /// Throws Error(Input) for unknown names or where OpenColorIO cannot make the conversion.
    ColorTransform transform(const std::string& from, const std::string& to) const;

    std::vector<std::string> displays() const;
    std::vector<std::string> views(const std::string& display) const;
    /// To a display's picture, about in [0, 1] (clamp it): the configuration's default display and
    /// view where the names are empty; a configuration whose display has no view but Raw gives the
    /// space "sRGB - Texture" (or its aliases) instead. Throws Error(Input) as transform().
    ColorTransform display(const std::string& from, const std::string& display = "",
                           const std::string& view = "") const;

    /// The space of the configuration's file rules for a path; empty where only the default rule
    /// applies.
    std::string fromFileRules(const std::string& path) const;

  private:
    struct Implementation;
    std::shared_ptr<const Implementation> implementation_;
};

/// The header attribute in which a delivered frame names its OCIO space.
constexpr const char* colorspaceAttribute = "derrumbe/colorspace";

/// The colour space of a plate, and why.
struct SpaceChoice {
    std::string name;     ///< as resolve() gives it
    std::string reason;   ///< for the log: "the file's chromaticities", "the shot file", ...
    std::string warning;  ///< empty where the choice is certain
};

/// What the shot says (`asked`, may be empty), else the space that Derrumbe wrote into the header
/// of a frame of its own (colorspaceAttribute), else what the file's header says, else the
/// configuration's file rules, else the format's habit: scene_linear for floating point, sRGB
/// texture for integers; a DPX's space cannot be known from it, so that choice carries a warning.
/// Throws Error(Input) where the answer is not a space of the configuration.
SpaceChoice choosePlateSpace(const ColorConfig& config, const PlateProbe& plate,
                             const std::string& asked);

}  // namespace derrumbe::image
