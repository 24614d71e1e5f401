#include "image/colour.h"
#include "image/colour_ids.h"
#include "support/error.h"
#include "support/strings.h"

namespace derrumbe::image {

namespace {

/// The format's habit, where neither shot, header nor file rules say anything.
SpaceChoice habit(const ColorConfig& config, const PlateProbe& plate) {
    const auto choose = [&](const std::vector<std::string>& names, const std::string& reason,
                            const std::string& warning = "") {
        const std::string space = config.firstOf(names);
        if (!space.empty()) return SpaceChoice{space, reason, warning};
        throw Error(ExitCode::Input,
                    cat("the colour space of ", plate.file,
                        " is not known: the OCIO configuration ", config.path(), " has no '",
                        names.front(), "' (", reason, "); say plate.colorspace in the shot file"));
    };
    if (plate.isFloating()) return choose({"scene_linear"}, "floating-point pixels: scene_linear");
    const std::string format = plate.header ? plate.header->format : "";
    if (format == "dpx" || format == "cineon")
        return choose({"compositing_log", "ACEScct"}, "a log scan: compositing_log",
                      cat("a ", format,
                          " does not say its colour space, taken to be "
                          "compositing_log; say plate.colorspace in the shot file"));
    return choose(namesOfSpace("srgb_rec709_scene"), "integer pixels: sRGB texture");
}

}  // namespace

SpaceChoice choosePlateSpace(const ColorConfig& config, const PlateProbe& plate,
                             const std::string& asked) {
    if (!asked.empty()) return {config.resolve(asked), "the shot file", ""};
    std::string warning;
    // One of our own frames: its other attributes are the plate's, which the shot may have
    // overruled.
    const auto own = plate.header ? plate.header->text(colorspaceAttribute) : std::nullopt;
    if (own && !own->empty()) {
        const std::string space = config.firstOf({*own});
        if (!space.empty()) return {space, cat("the file's ", colorspaceAttribute), ""};
        warning = cat("the file's ", colorspaceAttribute, " says ", *own, ", which ", config.path(),
                      " does not have");
    }
    if (!plate.colorSpaceHint.empty()) {
        const std::string space = config.firstOf(namesOfSpace(plate.colorSpaceHint));
        const std::string reason = "the file's " + plate.colorSpaceHintSource;
        if (!space.empty()) return {space, reason, ""};
        warning = cat(reason, " says ", plate.colorSpaceHint, ", which ", config.path(),
                      " does not have; say plate.colorspace in the shot file");
    }
    const std::string ruled = config.fromFileRules(plate.file);
    if (!ruled.empty()) return {ruled, "the configuration's file rules", warning};
    SpaceChoice choice = habit(config, plate);
    if (!warning.empty()) choice.warning = warning;
    return choice;
}

}  // namespace derrumbe::image
