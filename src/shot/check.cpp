#include "shot/check.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "shot/characters.h"
#include "shot/keys.h"
#include "shot/section.h"
#include "shot/tokens.h"
#include "support/frame_token.h"
#include "support/strings.h"

namespace derrumbe::shot {

namespace {

namespace fs = std::filesystem;

struct Check {
    const Shot& shot;
    Problems& problems;
    FrameList frames = {};  ///< the shot's in their order, for those that look for one of them

    void error(const std::string& path, const std::string& message) const {
        problems.error(ExitCode::Usage, message, shot.place(path));
    }
    void warning(const std::string& path, const std::string& message) const {
        problems.warning(message, shot.place(path));
    }
    bool hasFrame(int frame) const {
        return std::binary_search(frames.begin(), frames.end(), frame);
    }
};

bool inside(const fs::path& path, const fs::path& folder) {
    const fs::path relative = path.lexically_relative(folder);
    return !relative.empty() && *relative.begin() != "..";
}

/// A shot from elsewhere must not write where its reader does not expect: relative outputs stay
/// below the shot file, also when a folder on the way is a symbolic link; everything else has to be
/// named absolutely.
void checkOutputPlace(const Check& check, const std::string& key, const FilePath& output) {
    if (fs::path(output.written).is_absolute()) return;
    bool stays = inside(output.path, check.shot.folder);
    if (stays) {
        std::error_code unknown;
        const fs::path folder = fs::weakly_canonical(check.shot.folder, unknown);
        const fs::path parent = fs::weakly_canonical(output.path.parent_path(), unknown);
        stays = !unknown && (parent == folder || inside(parent, folder));
    }
    if (!stays) {
        check.error(
            key,
            cat(key, " leaves the shot file's folder; name an output outside it absolutely, not ",
                shown(output.written)));
    }
}

/// Show and name become part of paths.
void checkIdentity(const Check& check) {
    for (const auto& [key, value] :
         {std::pair{"shot.show", check.shot.shot.show}, {"shot.name", check.shot.shot.name}}) {
        if (value.find_first_of("/\\#@%${}") != std::string::npos || value == "." ||
            value == "..") {
            check.error(key, cat(key, " becomes part of paths: none of / \\ # @ % $ { } in ",
                                 shown(value)));
        }
    }
    if (check.shot.shot.name.empty()) check.error("shot.name", "shot.name is empty");
}

void checkBeats(const Check& check) {
    const Shot& shot = check.shot;
    std::optional<int> before;
    for (size_t i = 0; i < shot.beats.size(); ++i) {
        const Beat& beat = shot.beats[i];
        const std::string key = cat("beats.", i, ".from"), prompt = cat("beats.", i, ".prompt");
        if (shot.given(prompt) && beat.prompt.empty()) check.error(prompt, "a beat without words");
        if (!shot.given(key)) continue;
        if (!check.hasFrame(beat.from)) {
            check.error(key, cat("beat ", beat.from, " is not one of the shot's frames"));
        } else if (before && (beat.mattes.empty() ? beat.from <= *before : beat.from < *before)) {
            check.error(
                key, cat("beat ", beat.from, " does not come after the one before it, ", *before));
        } else if (shot.onset && beat.from < *shot.onset && beat.from != check.frames.front()) {
            check.warning(key, cat("beat ", beat.from,
                                   " is before the onset, where the frames are the plate's"));
        }
        before = beat.from;
    }
}

void checkGuides(const Check& check) {
    const Shot& shot = check.shot;
    for (size_t i = 0; i < shot.guides.size(); ++i) {
        const FrameList& frames = shot.guides[i].frames;
        const std::string key = cat("guides.", i, ".frames");
        const auto known = std::count_if(frames.begin(), frames.end(),
                                         [&](int frame) { return check.hasFrame(frame); });
        if (frames.empty()) continue;
        if (known == 0) {
            check.error(key, cat("none of the guide's frames ", formatFrameRange(frames),
                                 " is one of the shot's (", formatFrameRange(shot.frames), ")"));
        } else if (shot.onset && *std::max_element(frames.begin(), frames.end()) < *shot.onset) {
            check.warning(key,
                          "the guide's frames are before the onset, where the frames are the "
                          "plate's");
        } else if (static_cast<size_t>(known) != frames.size()) {
            check.warning(key, cat("of the guide's frames ", formatFrameRange(frames), " ", known,
                                   " are the shot's"));
        }
    }
}

void checkTimes(const Check& check) {
    const Shot& shot = check.shot;
    if (shot.frames.empty()) return;  // reported already
    if (shot.onset && *shot.onset > check.frames.back()) {
        check.warning("onset", cat("onset ", *shot.onset, " is after the last frame ",
                                   check.frames.back(), ": nothing will happen"));
    }
    std::set<int> seen;
    for (size_t i = 0; i < shot.keyframes.size(); ++i) {
        const int frame = shot.keyframes[i].frame;
        const std::string key = cat("keyframes.", i, ".frame");
        if (!shot.given(key)) continue;
        if (!check.hasFrame(frame)) {
            check.error(key, cat("keyframe ", frame, " is not one of the shot's frames"));
        } else if (!seen.insert(frame).second) {
            check.error(key, cat("a second keyframe at ", frame));
        } else if (shot.onset && frame < *shot.onset) {
            check.warning(key, cat("keyframe ", frame,
                                   " is before the onset, where the frames are the plate's"));
        }
    }
    checkBeats(check);
    checkGuides(check);
    const Windows& windows = shot.windows;
    if (windows.length && windows.overlap && *windows.overlap >= *windows.length) {
        check.error("windows.overlap", cat("windows of ", *windows.length,
                                           " frames cannot overlap by ", *windows.overlap));
    }
}

void checkMattes(const Check& check, const std::string& list,
                 const std::vector<MatteSource>& mattes) {
    for (size_t i = 0; i < mattes.size(); ++i) {
        const MatteSource& matte = mattes[i];
        const std::string key = cat(list, ".", i);
        if (i == 0 && matte.operation == MatteOperation::Subtract) {
            check.error(key + ".operation",
                        "the first matte has nothing before it to be cut out of: put it after the "
                        "one that it is cut out of");
        }
        if (!matte.cryptomatte) continue;
        if (!matte.channel.empty()) {
            check.error(key + ".channel", "a matte is either a channel or a cryptomatte, not both");
        }
        if (matte.cryptomatte->names.empty()) {
            check.error(key + ".cryptomatte.names", "a cryptomatte without names selects nothing");
        }
    }
}

std::string lowerExtension(const FilePath& path) {
    std::string extension = path.path.extension().string();
    std::transform(extension.begin(), extension.end(), extension.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return extension;
}

/// Writing over an input would destroy it, and the next render would start from this one's result.
void checkOverwrites(const Check& check) {
    const Shot& shot = check.shot;
    std::vector<std::pair<std::string, const FilePath*>> inputs = {
        {"plate.path", &shot.plate.path}};
    for (const MatteSource& matte : shot.mattes) inputs.emplace_back("matte.path", &matte.path);
    for (const MatteSource& matte : shot.holdouts) inputs.emplace_back("holdout.path", &matte.path);
    for (const Beat& beat : shot.beats)
        for (const MatteSource& matte : beat.mattes)
            inputs.emplace_back("beats.matte.path", &matte.path);
    for (const Guide& guide : shot.guides) inputs.emplace_back("guides.path", &guide.path);
    for (const Keyframe& keyframe : shot.keyframes)
        inputs.emplace_back("keyframes.path", &keyframe.path);
    for (const FilePath& reference : shot.references) inputs.emplace_back("references", &reference);
    const std::string written = framePattern(shot.output.path.string());
    for (const auto& [key, input] : inputs) {
        if (!input->empty() && framePattern(input->string()) == written) {
            check.error("output.path",
                        cat("output.path would write over ", key, ": ", shown(input->written)));
            return;
        }
    }
}

void checkOutput(const Check& check) {
    const Shot& shot = check.shot;
    const Output& output = shot.output;
    if (lowerExtension(output.path) != ".exr") {
        check.error("output.path",
                    cat("output.path must end in .exr, not ", shown(output.path.written)));
    }
    if (shot.frames.size() > 1 && !findFrameToken(output.path.written).there()) {
        check.error("output.path",
                    cat("output.path has no place for the frame's number (####) in its file name: ",
                        shown(output.path.written)));
    }
    const std::set<std::string> lossy = {"pxr24", "b44", "b44a", "dwaa", "dwab"};
    if (lossy.count(output.compression) != 0 && !output.lossy) {
        check.error("output.compression",
                    cat("compression ", output.compression,
                        " changes pixels outside the matte; say `lossy: true` "
                        "in output if that is meant, else take zip, zips, piz, rle or none"));
    }
    if (output.colorspace && output.colorspace != shot.plate.colorspace) {
        check.warning("output.colorspace",
                      "in another colour space than the plate's, pixels outside the matte are "
                      "the plate's converted, not the plate's bit for bit");
    }
    if (lowerExtension(shot.provenance.path) != ".json") {
        check.error("provenance.path", cat("provenance.path must end in .json, not ",
                                           shown(shot.provenance.path.written)));
    }
    if (shot.provenance.path.path == std::filesystem::absolute(shot.file).lexically_normal()) {
        check.error("provenance.path", "provenance.path is the shot file itself");
    }
    checkOverwrites(check);
}

void checkModel(const Check& check) {
    const Model& model = check.shot.model;
    if (model.products != Products::Auto && model.weights != Weights::Auto &&
        std::string_view(text(model.products)) != text(model.weights)) {
        const std::string products = text(model.products);
        check.error("model.products", cat("model.products: ", products, " multiplies weights in ",
                                          products, ", not in ", text(model.weights),
                                          "; take out model.weights, or say ", products, " there"));
    }
}

FilePath withTokens(const Check& check, const std::string& key, const std::string& written) {
    try {
        FilePath path = resolvePath(replaceTokens(written, check.shot.shot), check.shot.folder);
        checkOutputPlace(check, key, path);
        return path;
    } catch (const Error& error) {
        check.error(key, cat(key, ": ", error.problems().front().message));
        return resolvePath(written, check.shot.folder);
    }
}

}  // namespace

void resolveOutputs(Shot& shot, Problems& problems) {
    const Check check{shot, problems};
    checkIdentity(check);
    const std::string path =
        shot.output.path.empty() ? findKey("output.path")->standard : shot.output.path.written;
    shot.output.path = withTokens(check, "output.path", path);
    if (shot.provenance.path.empty()) {
        const fs::path name = replaceTokens("{name}_t{take}.provenance.json", shot.shot);
        const fs::path beside = fs::path(shot.output.path.written).parent_path() / name;
        shot.provenance.path = resolvePath(beside.string(), shot.folder);
    } else {
        shot.provenance.path = withTokens(check, "provenance.path", shot.provenance.path.written);
    }
}

void checkShot(const Shot& shot, Problems& problems) {
    Check check{shot, problems, shot.frames};
    std::sort(check.frames.begin(), check.frames.end());
    checkTimes(check);
    checkMattes(check, "matte", shot.mattes);
    checkMattes(check, "holdout", shot.holdouts);
    for (size_t i = 0; i < shot.beats.size(); ++i)
        checkMattes(check, cat("beats.", i, ".matte"), shot.beats[i].mattes);
    checkModel(check);
    checkOutput(check);
}

}  // namespace derrumbe::shot
