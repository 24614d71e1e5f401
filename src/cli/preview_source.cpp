#include "cli/preview_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "image/sequence.h"
#include "provenance/statement.h"
#include "support/atomic_file.h"
#include "support/frame_range.h"

namespace derrumbe::cli {

namespace {

namespace fs = std::filesystem;

PreviewSource fromLog(const std::string& name) {
    PreviewSource source;
    const provenance::Statement log = provenance::readStatement(readFile(name), name);
    const fs::path folder = fs::absolute(name).parent_path();
    for (const provenance::Subject& subject : log.subjects)
        source.files.emplace_back(subject.frame.value_or(0), (folder / subject.name).string());
    source.wedge = log.wedge;
    const nlohmann::json shot = nlohmann::json::parse(log.shotJson, nullptr, false);
    if (shot.is_object()) source.shot = shot.flatten();
    const nlohmann::json plan = nlohmann::json::parse(log.planJson, nullptr, false);
    const auto said = [&](const char* pointer) {
        return plan.is_object()
                   ? plan.value(nlohmann::json::json_pointer(pointer), nlohmann::json())
                   : nlohmann::json();
    };
    const nlohmann::json fps = said("/plate/fps"), space = said("/colour/plate");
    if (fps.is_number()) source.fps = fps.get<double>();
    if (space.is_string()) source.plateSpace = space.get<std::string>();
    return source;
}

std::string valueText(const nlohmann::json& value) {
    if (value.is_string()) return value.get<std::string>();
    // 5 where the artist wrote 5, not 5.0.
    return value.is_number_float() ? fmt::format("{}", value.get<double>()) : value.dump();
}

std::string keyOf(const std::string& pointer) {
    std::string key = pointer.substr(1);
    std::replace(key.begin(), key.end(), '/', '.');
    return key;
}

/// Where a wedged key stands in a log's shot, which has every matte in a list: `matte.grow` is the
/// first one's.
std::string pointerOf(const std::string& key, const nlohmann::json& shot) {
    std::string pointer = "/" + key;
    std::replace(pointer.begin(), pointer.end(), '.', '/');
    for (const std::string list : {"/matte/", "/holdout/"})
        if (pointer.rfind(list, 0) == 0 && !shot.contains(pointer)) {
            const std::string first = list + "0/" + pointer.substr(list.size());
            if (shot.contains(first)) return first;
        }
    return pointer;
}

/// The value of a wedged key as the shot has it (a default's, too); where that is no single value,
/// as it was asked for. Empty where neither is known.
std::string wedgedValue(const PreviewSource& source, const std::string& key) {
    if (source.shot.is_object())
        if (const auto found = source.shot.find(pointerOf(key, source.shot));
            found != source.shot.end())
            return valueText(*found);
    for (const std::string& pair : source.wedge)
        if (pair.rfind(key + "=", 0) == 0) return pair.substr(key.size() + 1);
    return {};
}

bool isBelow(const std::string& pointer, const std::string& above) {
    return pointer == above || pointer.rfind(above + "/", 0) == 0;
}

}  // namespace

PreviewSource readPreviewSource(const std::string& name) {
    PreviewSource source;
    if (fs::path(name).extension() == ".json") {
        source = fromLog(name);
    } else {
        const auto sequence = image::SequencePath::parse(name);
        for (const int frame : sequence.isSequence() ? sequence.existing() : FrameList{0})
            source.files.emplace_back(frame, sequence.file(frame));
    }
    if (source.files.empty()) throw Error(ExitCode::Input, fmt::format("{} names no frames", name));
    std::sort(source.files.begin(), source.files.end());
    return source;
}

std::string difference(const PreviewSource& source, const std::vector<PreviewSource>& all) {
    std::string text;
    const auto say = [&](const std::string& key, const std::string& value) {
        text += fmt::format("{}{}={}", text.empty() ? "" : " ", key, value);
    };
    std::vector<std::string> said;  // pointers
    for (const std::string& pair : source.wedge) {
        const std::string key = pair.substr(0, pair.find('='));
        const std::string value = wedgedValue(source, key);
        said.push_back(pointerOf(key, source.shot));
        if (std::any_of(all.begin(), all.end(), [&](const PreviewSource& other) {
                return wedgedValue(other, key) != value;
            }))
            say(key, value);
    }
    if (!source.shot.is_object()) return text;
    for (const auto& [pointer, value] : source.shot.items()) {
        const auto same = [&, &key = pointer, &own = value](const PreviewSource& other) {
            return other.shot.is_object() && other.shot.contains(key) && other.shot[key] == own;
        };
        const auto covers = [&key = pointer](const std::string& above) {
            return isBelow(key, above);
        };
        if (pointer == "/output/path" || pointer == "/provenance/path" ||
            std::any_of(said.begin(), said.end(), covers) ||
            std::all_of(all.begin(), all.end(), same))
            continue;
        say(keyOf(pointer), valueText(value));
    }
    return text;
}

}  // namespace derrumbe::cli
