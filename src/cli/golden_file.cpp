#include "cli/golden_file.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "provenance/digest.h"
#include "support/atomic_file.h"
#include "support/frame_range.h"
#include "support/strings.h"

namespace derrumbe::cli {

namespace {

using Json = nlohmann::ordered_json;

const std::pair<const char*, std::optional<double> Tolerance::*> kLimits[] = {
    {"max_error", &Tolerance::maxError}, {"flip", &Tolerance::flip}, {"psnr", &Tolerance::psnr}};

/// Reads values and notes what is wrong with them, under their dotted names.
class Reader {
  public:
    Reader(const std::filesystem::path& file, Problems& problems)
        : file_(file.string()), problems_(problems) {}

    void wrong(const std::string& what) const {
        problems_.error(ExitCode::Usage,
                        cat(what, "; mend the file, or remove it and run `derrumbe golden update`"),
                        {file_});
    }

    std::string text(const Json& json, const char* name, const std::string& within = {}) const {
        const auto found = json.find(name);
        if (found != json.end() && found->is_string() && !found->get<std::string>().empty())
            return found->get<std::string>();
        wrong(cat(within, name, " is missing, or is no text"));
        return {};
    }

    Tolerance tolerance(const std::string& kind, const Json& json) const {
        Tolerance result;
        const std::string within = cat("tolerances.", kind);
        if (!json.is_object() || json.empty()) {
            wrong(within + " must be a mapping with at least one of max_error, flip and psnr");
            return result;
        }
        for (const auto& [key, value] : json.items()) {
            const auto* limit = std::find_if(std::begin(kLimits), std::end(kLimits),
                                             [&](const auto& it) { return key == it.first; });
            if (limit == std::end(kLimits))
                wrong(cat(within, ".", key, " is unknown: max_error, flip and psnr are known"));
            else if (!value.is_number() || value.get<double>() < 0)
                wrong(cat(within, ".", key, " must be a number from 0 on"));
            else
                result.*limit->second = value.get<double>();
        }
        return result;
    }

    provenance::Dependency input(const Json& json, size_t index) const {
        provenance::Dependency input;
        const std::string within = cat("inputs.", index, ".");
        if (!json.is_object()) {
            wrong(cat("inputs.", index, " must be a mapping"));
            return input;
        }
        input.role = text(json, "role", within);
        input.path = text(json, "name", within);
        input.sha256 = text(json, "sha256", within);
        if (!input.sha256.empty() && !provenance::isSha256(input.sha256))
            wrong(within + "sha256 is no SHA-256");
        return input;
    }

  private:
    std::string file_;
    Problems& problems_;
};

void readParts(const Json& json, const Reader& in, GoldenFile& golden) {
    if (const auto threads = json.find("threads");
        threads != json.end() && threads->is_number_integer() && *threads >= 0 && *threads <= 1024)
        golden.threads = threads->get<int>();
    else
        in.wrong("threads must be a number from 0 to 1024");
    if (const auto inputs = json.find("inputs"); inputs != json.end() && inputs->is_array())
        for (size_t i = 0; i < inputs->size(); ++i)
            golden.inputs.push_back(in.input((*inputs)[i], i));
    else
        in.wrong("inputs must be a list");
    if (const auto kinds = json.find("tolerances");
        kinds != json.end() && kinds->is_object() && !kinds->empty())
        for (const auto& [kind, limits] : kinds->items())
            golden.tolerances[kind] = in.tolerance(kind, limits);
    else
        in.wrong("tolerances must be a mapping from kinds of processors");
}

}  // namespace

const Tolerance* GoldenFile::toleranceFor(const std::string& kind) const {
    const auto same = tolerances.find("same");
    if (kind == processor && same != tolerances.end()) return &same->second;
    const Tolerance* best = nullptr;
    size_t length = 0;
    for (const auto& [key, tolerance] : tolerances) {
        const bool fits =
            std::string_view(kind).starts_with(key) &&
            (kind.size() == key.size() || kind[key.size()] == ' ' || kind[key.size()] == ':');
        if (fits && key.size() > length) best = &tolerance, length = key.size();
    }
    return best;
}

std::map<std::string, Tolerance> defaultTolerances() {
    return {{"same", {.maxError = 0, .flip = {}, .psnr = {}}},
            {"cpu", {.maxError = {}, .flip = 0.001, .psnr = 60}},
            {"cuda", {.maxError = {}, .flip = 0.01, .psnr = 40}}};
}

GoldenFile readGolden(const std::filesystem::path& file, Problems& problems) {
    GoldenFile golden;
    const Reader in(file, problems);
    Json json;
    try {
        json = Json::parse(readFile(file, ExitCode::Input, size_t{64} << 20));
    } catch (const Error& error) {
        problems.add(error.problems());
        return golden;
    } catch (const Json::exception& error) {
        in.wrong(cat("is no JSON: ", error.what()));
        return golden;
    }
    if (!json.is_object() || json.value("version", Json()) != 1) {
        in.wrong("is no golden.json of version 1");
        return golden;
    }
    golden.frames = in.text(json, "frames");
    golden.pattern = in.text(json, "pattern");
    golden.processor = in.text(json, "processor");
    golden.builder = in.text(json, "builder");
    golden.model = in.text(json, "model");
    readParts(json, in, golden);
    try {
        if (!golden.frames.empty()) parseFrameRange(golden.frames);
    } catch (const Error& error) {
        in.wrong("frames: " + error.problems().front().message);
    }
    // Golden frames lie beside golden.json, wherever a file from elsewhere says that they do.
    if (golden.pattern.find('/') != std::string::npos) in.wrong("pattern must be a file's name");
    return golden;
}

std::string goldenJson(const GoldenFile& golden) {
    Json json = {{"version", 1},
                 {"frames", golden.frames},
                 {"pattern", golden.pattern},
                 {"model", golden.model},
                 {"processor", golden.processor},
                 {"threads", golden.threads},
                 {"builder", golden.builder}};
    for (const auto& [kind, tolerance] : golden.tolerances)
        for (const auto& [name, limit] : kLimits)
            if (tolerance.*limit) json["tolerances"][kind][name] = *(tolerance.*limit);
    for (const provenance::Dependency& input : golden.inputs)
        json["inputs"].push_back(
            {{"role", input.role}, {"name", input.path}, {"sha256", input.sha256}});
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace derrumbe::cli
