#include "image/colour.h"

#include <OpenImageIO/color.h>
#include <OpenImageIO/parallel.h>
#include <strings.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "support/error.h"
#include "support/strings.h"
#include "support/version.h"

namespace derrumbe::image {

namespace {

namespace fs = std::filesystem;

bool sameName(const std::string& a, const std::string& b) {
    return ::strcasecmp(a.c_str(), b.c_str()) == 0;
}

std::string lastLine(std::string text) {
    while (!text.empty() && text.back() == '\n') text.pop_back();
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text.size() > 400 ? text.substr(0, 400) + "..." : text;
}

}  // namespace

struct ColorConfig::Implementation {
    explicit Implementation(const std::string& file) : path(file), config(file) {}
    std::string path;
    mutable OIIO::ColorConfig config;  // its look-ups fill caches behind locks of their own
    std::string defaultRuleSpace;
};

void ColorTransform::apply(float* rgb, size_t count) const {
    if (!processor_) return;
    const auto* processor = static_cast<const OIIO::ColorProcessor*>(processor_.get());
    // Runs that a cache holds; every pixel is by itself, so threads cannot change a value.
    constexpr std::int64_t run = 1 << 14;
    const auto pixels = static_cast<std::int64_t>(count);
    OIIO::parallel_for(std::int64_t{0}, (pixels + run - 1) / run, [&](std::int64_t part) {
        const std::int64_t first = part * run;
        const int width = static_cast<int>(std::min(run, pixels - first));
        processor->apply(rgb + first * 3, width, 1, 3, sizeof(float), 3 * sizeof(float),
                         OIIO::stride_t{3 * sizeof(float)} * width);
    });
}

void ColorTransform::apply(Frame& frame) const {
    if (!processor_) return;
    int index[3] = {frame.channel("R"), frame.channel("G"), frame.channel("B")};
    if (index[0] < 0 || index[1] < 0 || index[2] < 0) {
        index[0] = index[1] = index[2] = frame.channel("Y");
        if (index[0] < 0) return;
    }
    const size_t channels = frame.channels.size();
    const size_t count = frame.pixels.size() / channels;
    std::vector<float> rgb(count * 3);
    for (size_t i = 0; i < count; ++i)
        for (size_t c = 0; c < 3; ++c) rgb[i * 3 + c] = frame.pixels[i * channels + index[c]];
    apply(rgb.data(), count);
    for (size_t i = 0; i < count; ++i)
        for (size_t c = 0; c < 3; ++c) frame.pixels[i * channels + index[c]] = rgb[i * 3 + c];
}

ColorConfig ColorConfig::load() {
    const char* fromEnvironment = std::getenv("OCIO");
    return load(fromEnvironment && *fromEnvironment ? fromEnvironment : shippedPath());
}

ColorConfig ColorConfig::load(const std::string& path) {
    const auto fail = [&](const std::string& why) {
        throw Error(ExitCode::Input,
                    cat("cannot load the OCIO configuration ", path, ": ", why,
                        "; set $OCIO to a configuration of profile 2.1 or older, or unset it for "
                        "the one that ships"));
    };
    // Built-in configurations (ocio://...) came with OpenColorIO 2.2; OpenImageIO would not say so.
    const bool builtIn = path.rfind("ocio://", 0) == 0;
    std::error_code error;
    if (builtIn && OIIO::ColorConfig::OpenColorIO_version_hex() < 0x02020000)
        fail("this build's OpenColorIO has no built-in configurations");
    if (!builtIn && !fs::is_regular_file(path, error)) fail("there is no such file");
    auto implementation = std::make_shared<Implementation>(path);
    if (implementation->config.has_error()) fail(lastLine(implementation->config.geterror()));
    if (implementation->config.getNumColorSpaces() == 0) fail("it has no colour space");
    implementation->defaultRuleSpace =
        std::string(implementation->config.getColorSpaceFromFilepath("/a/path/that/no/rule/knows"));
    ColorConfig result;
    result.implementation_ = std::move(implementation);
    return result;
}

std::string ColorConfig::shippedPath() {
    std::vector<fs::path> roots;
    if (const char* home = std::getenv("DERRUMBE_HOME"); home && *home) roots.emplace_back(home);
    std::error_code error;
    const fs::path binary = fs::read_symlink("/proc/self/exe", error);
    if (!error)
        for (const char* up : {".", "..", "../..", "../share/derrumbe"})
            roots.push_back(binary.parent_path() / up);
    roots.emplace_back(DERRUMBE_SOURCE_DIR);
    std::string looked;
    for (const fs::path& root : roots) {
        const fs::path file = (root / "configs/ocio/derrumbe.ocio").lexically_normal();
        if (fs::is_regular_file(file, error)) return file.string();
        looked += (looked.empty() ? "" : ", ") + file.string();
    }
    throw Error(ExitCode::Input,
                cat("the OCIO configuration that ships with Derrumbe is not there (looked for ",
                    looked, "); set $DERRUMBE_HOME to Derrumbe's folder, or $OCIO"));
}

const std::string& ColorConfig::path() const {
    return implementation_->path;
}

std::vector<std::string> ColorConfig::spaces() const {
    return implementation_->config.getColorSpaceNames();
}

bool ColorConfig::has(const std::string& name) const {
    return !firstOf({name}).empty();
}

std::string ColorConfig::firstOf(const std::vector<std::string>& names) const {
    const OIIO::ColorConfig& config = implementation_->config;
    const std::vector<std::string> all = spaces();
    for (const std::string& name : names) {
        if (name.empty()) continue;
        for (const std::string& space : all)
            if (sameName(space, name)) return space;
        for (const std::string& role : config.getRoles()) {
            const char* space =
                sameName(role, name) ? config.getColorSpaceNameByRole(role) : nullptr;
            if (space) return space;
        }
        for (const std::string& space : all)
            for (const std::string& alias : config.getAliases(space))
                if (sameName(alias, name)) return space;
    }
    return {};
}

std::string ColorConfig::resolve(const std::string& name) const {
    const std::string space = firstOf({name});
    if (!space.empty()) return space;
    std::vector<std::string> candidates = spaces();
    std::string all;
    for (const std::string& known : candidates)
        if (all.size() < 400) all += (all.empty() ? "" : ", ") + known;
    for (const std::string& known : spaces())
        for (const std::string& alias : implementation_->config.getAliases(known))
            candidates.push_back(alias);
    const std::string meant = nearest(name, candidates);
    throw Error(ExitCode::Input,
                cat("the OCIO configuration ", path(), " has no colour space '", name, "'",
                    meant.empty() ? "; it has " + all : "; did you mean '" + meant + "'?"));
}

ColorTransform ColorConfig::transform(const std::string& from, const std::string& to) const {
    const std::string source = resolve(from), target = resolve(to);
    ColorTransform result;
    if (source == target) return result;
    const auto processor = implementation_->config.createColorProcessor(source, target);
    if (!processor)
        throw Error(ExitCode::Input,
                    cat("cannot convert '", source, "' to '", target, "' with ", path(), ": ",
                        lastLine(implementation_->config.geterror())));
    if (!processor->isNoOp()) result.processor_ = processor;
    return result;
}

std::vector<std::string> ColorConfig::displays() const {
    return implementation_->config.getDisplayNames();
}

std::vector<std::string> ColorConfig::views(const std::string& display) const {
    return implementation_->config.getViewNames(display);
}

ColorTransform ColorConfig::display(const std::string& from, const std::string& display,
                                    const std::string& view) const {
    const OIIO::ColorConfig& config = implementation_->config;
    const std::string source = resolve(from);
    const std::vector<std::string> known = displays();
    const auto choose = [&](const std::string& what, const std::string& asked,
                            const std::vector<std::string>& names, const char* fallback) {
        if (asked.empty()) return std::string(fallback ? fallback : "");
        for (const std::string& name : names)
            if (sameName(name, asked)) return name;
        std::string all;
        for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
        throw Error(ExitCode::Input, cat("the OCIO configuration ", path(), " has no ", what, " '",
                                         asked, "'; it has ", all.empty() ? "none" : all));
    };
    const std::string screen = choose("display", display, known, config.getDefaultDisplayName());
    const std::vector<std::string> ways =
        screen.empty() ? std::vector<std::string>{} : views(screen);
    std::string way =
        choose("view", view, ways, ways.empty() ? "" : config.getDefaultViewName(screen));
    if (view.empty() && (sameName(way, "Raw") || way.empty())) {
        way.clear();
        for (const std::string& name : ways)
            if (way.empty() && !sameName(name, "Raw")) way = name;
    }
    if (way.empty()) {
        const std::string hop = firstOf({"srgb_display", "srgb_tx", "sRGB - Texture", "sRGB",
                                         "Utility - sRGB - Texture", "color_picking"});
        if (hop.empty())
            throw Error(ExitCode::Input, cat("the OCIO configuration ", path(),
                                             " has neither a view nor an sRGB space to make a "
                                             "preview with; set $OCIO to another"));
        return transform(source, hop);
    }
    const auto processor = config.createDisplayTransform(screen, way, source);
    if (!processor)
        throw Error(ExitCode::Input,
                    cat("cannot show '", source, "' on '", screen, "' as '", way, "' with ", path(),
                        ": ", lastLine(implementation_->config.geterror())));
    ColorTransform result;
    if (!processor->isNoOp()) result.processor_ = processor;
    return result;
}

std::string ColorConfig::fromFileRules(const std::string& path) const {
    const std::string space(implementation_->config.getColorSpaceFromFilepath(path));
    if (space.empty() || space == implementation_->defaultRuleSpace) return {};
    return firstOf({space});
}

}  // namespace derrumbe::image
